#include "bench/log.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include "bench/setting.hpp"

namespace daybook::bench {

const Log& Log::of(std::uint64_t events, std::uint64_t streams) {
    static std::map<std::pair<std::uint64_t, std::uint64_t>, std::unique_ptr<Log>> made;
    std::unique_ptr<Log>& log = made[{events, streams}];
    if (!log) log = std::make_unique<Log>(events, streams);
    return *log;
}

Log::Log(std::uint64_t events, std::uint64_t streams) : path_(directory_ / "log.db"), events_(events) {
    constexpr std::uint64_t piece = 100'000;
    constexpr std::uint64_t events_each = 1000;
    require(events % piece == 0, "a log is made in hundred thousands");
    const std::uint64_t long_every = events / (long_streams * long_stream_events);
    EventStore store = EventStore::open(path_, {.access = Access::create, .checkpoint_pages = 16'000});
    StreamNames names(streams);
    std::uint64_t n = 0;
    while (n < events) {
        seconds_.push_back(time_of([&] {
                               for (std::uint64_t batch = 0; batch < piece / events_each; ++batch) {
                                   AppendRequest request;
                                   request.events.reserve(events_each);
                                   for (std::uint64_t i = 0; i < events_each; ++i, ++n)
                                       request.events.push_back(
                                           {.type = "bench:appended",
                                            .payload = std::string(payload),
                                            .stream = n % long_every == 0 ? long_stream(n / long_every % long_streams)
                                                                          : StreamNames::name(names.next_number()),
                                            .id = ordered_id(n)});
                                   store.append(std::move(request));
                               }
                           }).count());
    }
    require(store.head().seq.value == events, "the log holds what was appended");
    store.close();
}

EventStore Log::open() const {
    return EventStore::open(path_, {.access = Access::read});
}

std::string Log::long_stream(std::uint64_t number) {
    return fmt::format("long-{}", number);
}

}  // namespace daybook::bench
