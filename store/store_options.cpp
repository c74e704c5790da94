#include <daybook/store/store_options.hpp>

#include <fmt/format.h>

#include <daybook/event/error.hpp>

namespace daybook {

namespace {

class Faults {
  public:
    template <typename Value>
    void require(std::string_view name, Value value, Value min, Value max) {
        if (value >= min && value <= max) return;
        if (!text_.empty()) text_ += "; ";
        text_ += fmt::format("{} is {}, it may be {} to {}", name, value, min, max);
    }
    void add(std::string_view fault) {
        if (!text_.empty()) text_ += "; ";
        text_ += fault;
    }
    void report() const {
        if (!text_.empty()) throw Error(ErrorCode::invalid_argument, fmt::format("store options: {}", text_));
    }

  private:
    std::string text_;
};

constexpr std::size_t mebibyte = std::size_t{1} << 20;

}  // namespace

void StoreOptions::validate() const {
    Faults faults;
    faults.require<long long>("busy_timeout (ms)", busy_timeout.count(), 0, 600'000);
    faults.require<std::size_t>("checkpoint_pages", checkpoint_pages, 1, 1'000'000);
    faults.require<std::size_t>("cache_bytes", cache_bytes, mebibyte, 1024 * mebibyte);
    faults.require<std::size_t>("run_events", run_events, 1, 65'536);
    faults.require<std::size_t>("page_events", page_events, 1, 100'000);
    faults.require<std::size_t>("limits.payload_bytes_max", limits.payload_bytes_max, 2, 16 * mebibyte);
    faults.require<std::size_t>("limits.nesting_max", limits.nesting_max, 1, 1'000);
    faults.require<std::size_t>("limits.name_bytes_max", limits.name_bytes_max, 36, 64 * 1024);
    faults.require<std::size_t>("limits.stream_bytes_max", limits.stream_bytes_max, 1, 64 * 1024);
    faults.require<std::size_t>("limits.tags_max", limits.tags_max, 0, 10'000);
    faults.require<std::size_t>("limits.batch_events_max", limits.batch_events_max, 1, 100'000);
    faults.require<std::size_t>("limits.batch_bytes_max", limits.batch_bytes_max, 1, 256 * mebibyte);
    for (const std::shared_ptr<Guard>& guard : guards)
        if (!guard) faults.add("guards holds an empty pointer");
    faults.report();
}

}  // namespace daybook
