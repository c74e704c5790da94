// The caps of one event and of one batch. Over a cap: Error too_large or too_deep, nothing is written.
#pragma once

#include <cstddef>

namespace daybook {

struct Limits {
    std::size_t payload_bytes_max = std::size_t{1}
                                    << 20;  ///< minified payload, and metadata. Default: 1 MiB; at most 16 MiB
    std::size_t nesting_max = 128;          ///< arrays and objects inside each other. Default: 128; at most 1,000
    std::size_t name_bytes_max = 255;       ///< type, id, event_version, handler, bus. Default: 255
    std::size_t stream_bytes_max =
        1024;                   ///< stream, source, correlation, causation, tag keys and values. Default: 1,024
    std::size_t tags_max = 64;  ///< tags of one event. Default: 64
    std::size_t batch_events_max = 1000;  ///< events of one append. Default: 1,000
    std::size_t batch_bytes_max =
        std::size_t{8}
        << 20;  ///< payloads and metadata of one append. Default: 8 MiB; one larger event is its own batch
    bool operator==(const Limits&) const = default;
};

}  // namespace daybook
