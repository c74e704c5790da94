// Sequences of operations on a store, with the model of log_model.hpp beside it.
//
// Input: steps of six bytes.
#include "fuzz/fuzz.hpp"
#include "fuzz/log_model.hpp"
#include "fuzz/scratch.hpp"

namespace daybook::fuzz {

void operations(std::string_view input) {
    static Scratch scratch("operations");
    run_steps(input, scratch.fresh());
}

}  // namespace daybook::fuzz
