// Head to JSON.
#include "cli/head_json.hpp"

#include <fmt/format.h>

namespace daybook::cli {

std::string head_json(const Head& head) {
    return fmt::format(R"({{"store_id":"{}","seq":{},"digest":"{}","result_seq":{},"result_digest":"{}"}})",
                       head.store_id.to_string(), head.seq.value, head.digest.to_hex(), head.result_seq.value,
                       head.result_digest.to_hex());
}

}  // namespace daybook::cli
