#include "bench/peers.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/testkit/temp_directory.hpp>

#include "bench/child.hpp"

namespace daybook::bench {

namespace {

double number_after(const std::string& text, std::string_view word) {
    const std::size_t found = text.find(word);
    if (found == std::string::npos)
        throw std::runtime_error(fmt::format("bench: there is no \"{}\" in: {}", word, text));
    return std::stod(text.substr(found + word.size()));
}

}  // namespace

double redis_appends(std::size_t clients, Seconds time) {
    const std::string server = find_program("redis-server");
    const std::string load = find_program("redis-benchmark");
    const std::string ask = find_program("redis-cli");
    if (server.empty() || load.empty() || ask.empty())
        throw CannotMeasure("install redis-server and redis-tools to measure it");
    const testkit::TempDirectory directory;
    const std::string port = std::to_string(free_port());
    const Child running({server, "--bind", "127.0.0.1", "--port", port, "--dir", directory.path(), "--save", "",
                         "--appendonly", "yes", "--appendfsync", "always"});
    wait_for_port(static_cast<std::uint16_t>(std::stoi(port)));
    const auto append = [&](std::uint64_t events) {
        // What is an event here: type, stream and payload; id and time are Redis's own.
        return output_of({load, "-p", port, "-c", std::to_string(clients), "-n", std::to_string(events), "--csv",
                          "XADD", "bench", "*", "type", "bench:emitted", "stream", "stream-123", "payload",
                          std::string(payload)});
    };
    // Its tool counts requests, not seconds: a short run tells how many make the time.
    const auto rate_in = [](const std::string& csv) {
        // The last line: the command, which may hold anything, then the rate and six latencies.
        std::size_t place = csv.size();
        for (int field = 0; field < 7 && place != std::string::npos; ++field) place = csv.rfind("\",\"", place - 1);
        require(place != std::string::npos, "redis-benchmark reports its rate");
        return number_after(csv.substr(place), "\",\"");
    };
    constexpr std::uint64_t first = 5'000;
    const auto events = static_cast<std::uint64_t>(rate_in(append(first)) * time.count()) + 1'000;
    const double rate = rate_in(append(events));
    const std::string length = output_of({ask, "-p", port, "XLEN", "bench"});
    require(std::stoull(length) == first + events, "Redis holds what was added");
    return rate;
}

double postgres_appends(std::size_t clients, Seconds time) {
    const std::vector<std::string> places{"/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin",
                                          "/usr/lib/postgresql/17/bin"};
    const std::string initdb = find_program("initdb", places);
    const std::string server = find_program("postgres", places);
    const std::string load = find_program("pgbench", places);
    const std::string ask = find_program("psql", places);
    if (initdb.empty() || server.empty() || load.empty() || ask.empty())
        throw CannotMeasure("install postgresql to measure it");
    const testkit::TempDirectory directory;
    // It refuses to run as root: then it runs as the user that its package made.
    std::vector<std::string> as_user;
    if (::geteuid() == 0) {
        const passwd* const user = ::getpwnam("postgres");
        if (user == nullptr) throw CannotMeasure("PostgreSQL does not run as root, and there is no user postgres");
        require(::chown(directory.path().c_str(), user->pw_uid, user->pw_gid) == 0,
                "the folder is given to PostgreSQL");
        as_user = {"runuser", "-u", "postgres", "--"};
    }
    const auto command = [&](std::vector<std::string> words) {
        words.insert(words.begin(), as_user.begin(), as_user.end());
        return words;
    };
    const std::string data = directory / "data";
    static_cast<void>(
        output_of(command({initdb, "-D", data, "-A", "trust", "-U", "bench", "-E", "UTF8", "--locale=C"})));
    const std::string port = std::to_string(free_port());
    Child running(command({server, "-D", data, "-c", "listen_addresses=127.0.0.1", "-p", port, "-k", directory.path(),
                           "-c", "synchronous_commit=on", "-c", "fsync=on", "-c", "max_connections=200", "-c",
                           "shared_buffers=256MB"}));
    wait_for_port(static_cast<std::uint16_t>(std::stoi(port)));
    const auto sql = [&](const std::string& text) {
        return output_of({ask, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", port, "-U",
                          "bench", "-d", "postgres", "-c", text});
    };
    for (int attempt = 0;; ++attempt) {
        try {
            static_cast<void>(sql("SELECT 1"));
            break;
        } catch (const std::runtime_error&) {  // it listens before it answers
            if (attempt == 50) throw;
            ::usleep(100'000);
        }
    }
    static_cast<void>(
        sql("CREATE TABLE messages (global_position bigserial PRIMARY KEY, position bigint NOT NULL, "
            "time timestamptz NOT NULL DEFAULT now(), stream text NOT NULL, type text NOT NULL, "
            "data jsonb NOT NULL, metadata jsonb, id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE, "
            "UNIQUE (stream, position))"));
    static_cast<void>(sql(
        "CREATE FUNCTION write_message(which text, kind text, body jsonb) RETURNS bigint AS $$ "
        "DECLARE following bigint; BEGIN PERFORM pg_advisory_xact_lock(hashtext(which)); "
        "SELECT coalesce(max(position), 0) + 1 INTO following FROM messages WHERE stream = which; "
        "INSERT INTO messages (position, stream, type, data) VALUES (following, which, kind, body); RETURN following; "
        "END $$ LANGUAGE plpgsql"));
    const std::string script = directory / "append.sql";
    {
        std::ofstream file(script);
        std::string body;  // with a space behind each colon: to pgbench a colon and a word are a variable
        for (const char letter : payload) body += letter == ':' ? std::string(": ") : std::string(1, letter);
        file << "\\set number random(0, 999)\nSELECT write_message('stream-' || :number, 'emitted', '" << body
             << "');\n";
        require(file.good(), "the script is written");
    }
    const int seconds = std::max(2, static_cast<int>(time.count()));
    const std::string said =
        output_of({load, "-n", "-M", "prepared", "-h", "127.0.0.1", "-p", port, "-U", "bench", "-c",
                   std::to_string(clients), "-j", "2", "-T", std::to_string(seconds), "-f", script, "postgres"});
    const double rate = number_after(said, "tps = ");
    const auto appended = static_cast<std::uint64_t>(number_after(said, "number of transactions actually processed: "));
    require(std::stoull(sql("SELECT count(*) FROM messages")) == appended, "PostgreSQL holds what was written");
    return rate;
}

}  // namespace daybook::bench
