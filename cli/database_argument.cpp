// Opening the file that a command names.
#include "cli/database_argument.hpp"

#include <fmt/format.h>

#include "cli/escape.hpp"
#include "cli/exit_code.hpp"

namespace daybook::cli {

void DatabaseArgument::add_to(CLI::App& command) {
    command.add_option("DB", path_, "The file")->required()->type_name("");
    // Hidden, because nobody should need it: the message of the refusal names it.
    command.add_flag("--allow-network-file-system", allow_network_, "Open it on NFS, SMB, 9p or FUSE all the same")
        ->group("");
}

StoreOptions DatabaseArgument::options(Access access) const {
    StoreOptions options;
    options.access = access;
    options.allow_network_file_system = allow_network_;
    return options;
}

EventStore DatabaseArgument::open(const Program& program, StoreOptions options) const {
    EventStore store = EventStore::open(path_, std::move(options));
    for (const std::string& warning : store.warnings()) program.notes.message("warning: " + warning);
    return store;
}

EventStore DatabaseArgument::open_for_reading(const Program& program) const {
    return open(program, options(Access::read));
}

Durability durability_from(const std::string& text) {
    if (text == "full") return Durability::full;
    if (text == "normal") return Durability::normal;
    throw UsageError(fmt::format("--durability '{}': full or normal", escape_cell(text)));
}

}  // namespace daybook::cli
