#include "state/store.hpp"
#include "state_support.hpp"

#include <fstream>
#include <map>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

using namespace fluxgate;
using state::Access;
using state::Change;
using state::Owner;
using state::Store;
using test::run_sql;
using test::StateDirectory;

namespace {

const Owner source{"input"};

std::unique_ptr<Store> opened(const StateDirectory& directory, Access access = Access::write, const std::string& pipeline = "plant") {
    auto store = Store::open(directory.path, pipeline, access);
    INFO((store.ok() ? "" : store.error().message));
    REQUIRE(store.ok());
    return std::move(*store);
}

std::string error_of(const StateDirectory& directory, Access access = Access::write) {
    auto store = Store::open(directory.path, "plant", access);
    REQUIRE_FALSE(store.ok());
    CHECK(store.error().code == Errc::state);
    return store.error().message;
}

std::string value_of(Store& store, const Owner& owner, std::string_view key) {
    const auto value = store.get(owner, key);
    REQUIRE(value.ok());
    return value->value_or("(none)");
}

unsigned mode_of(const std::string& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 0777u;
}

bool has(const std::string& text, const std::string& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("what was committed is there after the store was closed and opened again") {
    const StateDirectory directory;
    const std::string binary{"\0\xFF\n a", 5};
    {
        auto store = opened(directory);
        CHECK(value_of(*store, source, "cursor") == "(none)");
        REQUIRE(store->commit(source, {{"cursor", "one"}, {"fingerprints", binary}, {"empty", ""}}).ok());
        REQUIRE(store->commit(source, {{"cursor", "two"}}).ok());
    }
    auto store = opened(directory);
    CHECK(value_of(*store, source, "cursor") == "two");
    CHECK(value_of(*store, source, "fingerprints") == binary);
    const auto empty = store->get(source, "empty");
    REQUIRE(empty.ok());
    CHECK(empty->has_value());
    REQUIRE(store->commit(source, {{"cursor", "", true}, {"never there", "", true}}).ok());
    CHECK(value_of(*store, source, "cursor") == "(none)");
}

TEST_CASE("stages, partitions and pipelines do not see each other's keys") {
    const StateDirectory directory;
    auto store = opened(directory);
    auto other = opened(directory, Access::write, "other");
    REQUIRE(store->commit(source, {{"k", "source"}}).ok());
    REQUIRE(store->commit({"files", 0}, {{"k", "files 0"}}).ok());
    REQUIRE(store->commit({"files", 1}, {{"k", "files 1"}}).ok());
    CHECK(value_of(*store, source, "k") == "source");
    CHECK(value_of(*store, {"files", 0}, "k") == "files 0");
    CHECK(value_of(*store, {"files", 1}, "k") == "files 1");
    CHECK(value_of(*store, {"files"}, "k") == "(none)");
    CHECK(value_of(*other, source, "k") == "(none)");
}

TEST_CASE("only the owner may read the directory and the files") {
    const StateDirectory directory;
    const mode_t before = ::umask(0);
    {
        auto store = opened(directory);
        REQUIRE(store->commit(source, {{"cursor", "x"}}).ok());
        ::umask(before);
        CHECK(mode_of(directory.path) == 0700);
        CHECK(mode_of(directory.root + "/a") == 0700);
        for (const char* name : {"plant.db", "plant.db-wal", "plant.db-shm", "plant.lock"})
            CHECK(mode_of(directory.file(name)) == 0600);
    }
}

TEST_CASE("a commit that is refused for its size or its keys changes nothing") {
    const StateDirectory directory;
    auto store = opened(directory);
    REQUIRE(store->commit(source, {{"cursor", "kept"}}).ok());
    const std::string most(state::max_value_bytes, 'x'), more(state::max_value_bytes + 1, 'x');
    const auto large = store->commit(source, {{"cursor", "lost"}, {"big", more}});
    REQUIRE_FALSE(large.ok());
    CHECK(large.error().code == Errc::limit);
    has(large.error().message, "16777217 bytes; 16777216 are allowed");
    CHECK(value_of(*store, source, "cursor") == "kept");
    REQUIRE(store->commit(source, {{"big", most}}).ok());
    CHECK(value_of(*store, source, "big") == most);
    for (const std::string& key : {std::string{}, std::string(256, 'k'), std::string{"a\0b", 3}}) {
        const auto bad = store->commit(source, {{"cursor", "lost"}, {key, "x"}});
        REQUIRE_FALSE(bad.ok());
        CHECK(bad.error().code == Errc::invalid_argument);
    }
    std::vector<std::string> names;
    for (std::int64_t i = 0; i < state::max_keys; ++i)
        names.push_back("k" + std::to_string(i));
    std::vector<Change> many;
    for (const std::string& name : names)
        many.push_back({name, "v"});
    const auto crowd = store->commit(source, many);
    REQUIRE_FALSE(crowd.ok());
    CHECK(crowd.error().code == Errc::limit);
    CHECK(value_of(*store, source, "k0") == "(none)");
    CHECK(value_of(*store, source, "cursor") == "kept");
    REQUIRE(store->commit(source, {{"cursor", "goes on"}}).ok());
}

TEST_CASE("any sequence of commits leaves exactly what a map would hold, also across reopening") {
    const char* given = std::getenv("FLUXGATE_SEED");
    const auto seed = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937 random{seed};
    const StateDirectory directory;
    std::map<std::string, std::string> expected;
    auto store = opened(directory);
    for (int round = 0; round < 60; ++round) {
        std::vector<std::string> keys, values;
        std::vector<Change> changes;
        const std::size_t count = random() % 5;
        for (std::size_t i = 0; i < count; ++i) {
            keys.push_back("k" + std::to_string(random() % 7));
            values.emplace_back(random() % 9000, static_cast<char>(random()));
        }
        for (std::size_t i = 0; i < count; ++i) {
            const bool erase = random() % 3 == 0;
            changes.push_back({keys[i], values[i], erase});
            if (erase)
                expected.erase(keys[i]);
            else
                expected[keys[i]] = values[i];
        }
        REQUIRE(store->commit(source, changes).ok());
        if (random() % 8 == 0) {
            store.reset();
            store = opened(directory);
        }
    }
    for (int k = 0; k < 7; ++k) {
        const std::string key = "k" + std::to_string(k);
        CHECK(value_of(*store, source, key) == (expected.count(key) != 0 ? expected[key] : "(none)"));
    }
}

TEST_CASE("a reader sees what a writer committed while that runs, and may change nothing") {
    const StateDirectory directory;
    auto store = opened(directory);
    REQUIRE(store->commit(source, {{"cursor", "one"}}).ok());
    auto reader = opened(directory, Access::read);
    CHECK(value_of(*reader, source, "cursor") == "one");
    REQUIRE(store->commit(source, {{"cursor", "two"}}).ok());
    CHECK(value_of(*reader, source, "cursor") == "two");
    const auto refused = reader->commit(source, {{"cursor", "three"}});
    REQUIRE_FALSE(refused.ok());
    has(refused.error().message, "reading only");
    reader.reset(); // which must not take the log away from the writer
    REQUIRE(store->commit(source, {{"cursor", "four"}}).ok());
}

TEST_CASE("reading makes nothing") {
    const StateDirectory directory;
    CHECK_FALSE(Store::exists(directory.path, "plant"));
    has(error_of(directory, Access::read), "No such file");
    CHECK_FALSE(std::filesystem::exists(directory.root + "/a"));
}

TEST_CASE("a file of version 0 is migrated, by a writer and by a reader, and keeps what it holds") {
    const StateDirectory directory;
    std::filesystem::create_directories(directory.path);
    run_sql(directory.file("plant.db"),
            "PRAGMA application_id = 1179407704; CREATE TABLE schema (version INTEGER NOT NULL); INSERT INTO schema VALUES (0);"
            "CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB NOT NULL);"
            "INSERT INTO state VALUES ('cursor', 'old'), ('fingerprints', x'00FF');");
    const Access first = GENERATE(Access::read, Access::write);
    CHECK(value_of(*opened(directory, first), source, "cursor") == "old");
    auto store = opened(directory);
    CHECK(value_of(*store, source, "fingerprints") == std::string("\0\xFF", 2));
    REQUIRE(store->commit(source, {{"cursor", "new"}}).ok());
    CHECK(value_of(*store, source, "cursor") == "new");
}

TEST_CASE("a state whose process was killed before it had made its tables holds nothing yet, and the next one makes them") {
    const StateDirectory directory;
    std::filesystem::create_directories(directory.path);
    const std::string file = directory.file("plant.db");
    SECTION("before the first byte") {
        std::ofstream{file};
    }
    SECTION("behind the header that names the write-ahead log") {
        run_sql(file, "PRAGMA journal_mode = WAL");
    }
    CHECK(value_of(*opened(directory, Access::read), source, "cursor") == "(none)");
    auto store = opened(directory);
    REQUIRE(store->commit(source, {{"cursor", "1"}}).ok());
    CHECK(value_of(*opened(directory, Access::read), source, "cursor") == "1");
}

TEST_CASE("a file that is not ours, newer or damaged is refused by what is wrong with it, and left as it is") {
    const StateDirectory directory;
    std::filesystem::create_directories(directory.path);
    const std::string file = directory.file("plant.db");
    const Access access = GENERATE(Access::read, Access::write);
    SECTION("another program's database") {
        run_sql(file, "CREATE TABLE songs (name TEXT); PRAGMA journal_mode = DELETE");
        has(error_of(directory, access), "no state of fluxgate");
        run_sql(file, "INSERT INTO songs VALUES ('still there')");
        CHECK_FALSE(std::filesystem::exists(file + "-wal"));
    }
    SECTION("no database at all") {
        std::ofstream{file} << std::string(5000, 'x');
        has(error_of(directory, access), "no state of fluxgate");
        CHECK(std::filesystem::file_size(file) == 5000);
    }
    SECTION("a newer version") {
        opened(directory).reset();
        run_sql(file, "UPDATE schema SET version = 7");
        const std::string text = error_of(directory, access);
        has(text, "has version 7, but this program knows versions up to 1");
        has(text, "a newer fluxgate wrote it");
    }
    SECTION("a directory in its place") {
        std::filesystem::create_directory(file);
        has(error_of(directory, access), file);
    }
}

TEST_CASE("a damaged page is found when the state is opened") {
    const StateDirectory directory;
    {
        auto store = opened(directory);
        REQUIRE(store->commit(source, {{"big", std::string(200'000, 'x')}}).ok());
    }
    std::fstream file{directory.file("plant.db"), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(4096); // the second page: a table's root
    file << std::string(4096, '\x5A');
    file.close();
    has(error_of(directory), "put that file aside");
}
