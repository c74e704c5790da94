#include "store/log_head.hpp"

namespace daybook {

Head read_head(ReaderPool::Lease& lease, const Uuid& store_id) {
    Head head;
    head.store_id = store_id;
    const ReadTransaction transaction(lease);
    Statement& event = lease.statement("SELECT seq, digest FROM events_log ORDER BY seq DESC LIMIT 1");
    const ResetGuard event_guard(event);
    if (event.step()) {
        head.seq = Sequence{event.unsigned_integer(0)};
        head.digest = event.digest(1);
    }
    Statement& result =
        lease.statement("SELECT result_seq, digest FROM event_results_log ORDER BY result_seq DESC LIMIT 1");
    const ResetGuard result_guard(result);
    if (result.step()) {
        head.result_seq = ResultSequence{result.unsigned_integer(0)};
        head.result_digest = result.digest(1);
    }
    return head;
}

}  // namespace daybook
