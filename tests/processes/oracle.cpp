#include "processes/oracle.hpp"

#include <fmt/format.h>

namespace daybook::processes {

std::string Oracle::take(const Report& report) {
    if (report.seq != 0) {
        const auto [place, is_new] = seen_.emplace(report.seq, report.digest);
        if (!is_new && place->second != report.digest)
            return fmt::format("two processes were shown two events as seq {}", report.seq);
    }
    switch (report.kind) {
        case Report::Kind::acknowledged: {
            const auto [place, is_new] = acknowledged_.try_emplace({report.who, report.number},
                                                                   Promise{report.seq, report.version, report.digest});
            if (!is_new && place->second.seq != report.seq)
                return fmt::format("w{}-{} was acknowledged at seq {} and at seq {}", report.who, report.number,
                                   place->second.seq, report.seq);
            return {};
        }
        case Report::Kind::ran:
            if (!runs_.emplace(report.seq, report.who, report.number).second)
                return fmt::format("handler {} was run twice for event {} as attempt {}", report.who, report.seq,
                                   report.number);
            return {};
        default:
            return {};
    }
}

std::uint64_t Oracle::last_acknowledged(std::uint32_t writer) const {
    const auto behind = acknowledged_.lower_bound({writer + 1, 0});
    if (behind == acknowledged_.begin()) return 0;
    const auto& [writer_and_number, promise] = *std::prev(behind);
    return writer_and_number.first == writer ? writer_and_number.second : 0;
}

}  // namespace daybook::processes
