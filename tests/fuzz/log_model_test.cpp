// The model of log_model.hpp as a property: whatever the steps, store and model agree.
#include "fuzz/log_model.hpp"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/scratch.hpp"

using namespace daybook;

TEST_CASE("log: any sequence of appends, results, checkpoints, reopenings and clock steps does what the model says") {
    using Step = std::array<std::uint8_t, fuzz::step_bytes>;
    CHECK(rc::check("store and model agree", [] {
        // Nearly always a full run: short sequences of steps seldom meet each other.
        const auto count = *rc::gen::inRange<std::size_t>(20, 40);
        const auto steps = *rc::gen::container<std::vector<Step>>(count, rc::gen::arbitrary<Step>());
        std::string bytes;
        for (const Step& step : steps) bytes.append(step.begin(), step.end());
        static fuzz::Scratch scratch("log-model");
        fuzz::run_steps(bytes, scratch.fresh());
    }));
}
