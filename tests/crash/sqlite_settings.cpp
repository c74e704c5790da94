// How SQLite is set up in the programs that open it by the hundred thousand: without its counters and with much memory at
// hand for each connection, which makes the searches half as fast again. What the library promises does not depend on it,
// and where allocations are made to fail it is left as it is.
#include <sqlite3.h>

namespace {

[[maybe_unused]] const bool set_up = [] {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 256, 1000);
    return true;
}();

}  // namespace
