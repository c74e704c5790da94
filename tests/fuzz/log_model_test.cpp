// The model of log_model.hpp as a property: whatever the steps, store and model agree.
#include "fuzz/log_model.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <daybook/testkit/temp_directory.hpp>

#include "fuzz/fuzz.hpp"

using namespace daybook;

TEST_CASE("log: any sequence of appends, results, checkpoints, reopenings and clock steps does what the model says") {
    using Step = std::array<std::uint8_t, fuzz::step_bytes>;
    CHECK(rc::check("store and model agree", [](const std::vector<Step>& steps) {
        std::string bytes;
        for (const Step& step : steps) bytes.append(step.begin(), step.end());
        const testkit::TempDirectory directory;
        fuzz::run_steps(bytes, directory.path());
    }));
}
