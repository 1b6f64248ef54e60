#include "plant.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace fluxgate::sample {
namespace {

using namespace std::string_view_literals;

constexpr std::array statuses{"ok"sv, "warming up"sv, "running"sv, "waiting for parts"sv, "cleaning"sv};

constexpr std::array notes{
    "ok"sv,
    "comma, here"sv,
    "a \"quoted\" word"sv,
    "\"\""sv,
    "first line\nsecond line"sv,
    "carriage\r\nreturn"sv,
    "lone\rcr"sv,
    "ends with a line feed\n"sv,
    "blank\n\nline"sv,
    " leads and trails "sv,
    "tab\there"sv,
    "Prüfung läuft: Öl, 40 °C"sv,
    "検査 完了"sv,
    "emoji \xF0\x9F\x94\xA7 \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x94\xA7"sv,
    "#datatype,string"sv,
    ",,0,not a row"sv,
    "\\ backslash \\n"sv,
    "\x1B[31mred\x1B[0m"sv,
    "nul \0 inside"sv,
    "\x7F delete and \x01 start"sv,
    "\xEF\xBB\xBF"
    "byte order mark"sv,
    "\xE2\x80\xA8 line separator"sv,
    "null"sv,
    "true"sv,
    "12"sv,
    "NaN"sv,
    ""sv,
};

constexpr std::array edge_doubles{std::numeric_limits<double>::max(),
                                  std::numeric_limits<double>::lowest(),
                                  std::numeric_limits<double>::min(),
                                  std::numeric_limits<double>::denorm_min(),
                                  -0.0,
                                  0.0,
                                  0.1,
                                  1e21,
                                  1e-7,
                                  123456789.12345679,
                                  9007199254740993.0};
constexpr std::array edge_integers{std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), std::int64_t{9007199254740993},
                                   std::int64_t{0}, std::int64_t{-1}};
constexpr std::array edge_unsigneds{std::numeric_limits<std::uint64_t>::max(), std::uint64_t{1} << 63, std::uint64_t{0},
                                    std::uint64_t{18446744073709551557u}};

// SplitMix64 (Steele, Lea, Flood): one round turns a counter into well-mixed bits.
constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

// The quotient rounded down, also for times before 1970.
constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}
constexpr std::int64_t floor_mod(std::int64_t a, std::int64_t b) {
    return a % b + (a % b < 0 ? b : 0);
}

// A wave in thousandths plus noise, in integers, so that every compiler and machine computes the same doubles.
double wave(const Series& s, std::int64_t k, std::int64_t base, std::int64_t height, std::int64_t samples, std::uint64_t noise) {
    const std::int64_t phase = floor_mod(k + static_cast<std::int64_t>(s.id % 97), samples);
    const std::int64_t up = phase * 2 < samples ? phase : samples - phase;
    const auto jitter = static_cast<std::int64_t>(mix(s.id ^ mix(static_cast<std::uint64_t>(k))) % noise);
    const std::int64_t thousandths = base + up * 2 * height / samples + jitter;
    return static_cast<double>(thousandths) / 1000.0;
}

class Builder {
public:
    using Tags = std::vector<std::pair<std::string, std::string>>;

    void measure(std::string name, Tags tags, std::int64_t period, std::int64_t offset) {
        measurement_ = std::move(name);
        tags_ = std::move(tags);
        std::sort(tags_.begin(), tags_.end());
        period_ = period;
        offset_ = offset;
    }

    // The fields of a tag set are given in the order of their names.
    void field(std::string name, Shape shape, std::uint32_t every = 1) {
        const auto id = mix(series.size() + 1);
        series.push_back(Series{{measurement_, tags_, std::move(name)}, shape, period_, offset_, every, id});
    }

    std::vector<Series> series;

private:
    std::string measurement_;
    Tags tags_;
    std::int64_t period_ = 0, offset_ = 0;
};

void add_edges(Builder& b) {
    b.measure("edges", {{"site", "north"}}, 60 * second_ns, 999'999'999);
    b.field("double", Shape::edge_double);
    b.field("long", Shape::edge_integer);
    b.field("unsigned", Shape::edge_unsigned);
}

void add_energy(Builder& b) {
    struct Meter {
        const char *meter, *site;
    };
    constexpr std::array<Meter, 3> meters{{{"M-1", "north"}, {"M-2", "north"}, {"M-3, roof", "süd"}}};
    for (const Meter& m : meters) {
        b.measure("energy", {{"site", m.site}, {"meter", m.meter}}, 60 * second_ns, 0);
        b.field("power", Shape::power);
        b.field("total", Shape::total);
    }
}

void add_machine(Builder& b) {
    struct Machine {
        const char *line, *machine, *site;
        std::int64_t offset;
    };
    constexpr std::array<Machine, 4> machines{{{"1", "press-1", "north", 0},
                                               {"1", "press-2", "north", 123'456'789},
                                               {"2", "press 3", "süd", 500'000'000},
                                               {"2", "robot \"K=7\"", "süd", 1}}};
    for (const Machine& m : machines) {
        b.measure("machine", {{"site", m.site}, {"line", m.line}, {"machine", m.machine}}, 10 * second_ns, m.offset);
        b.field("cycles", Shape::count);
        b.field("note", Shape::note, 6);
        b.field("parts", Shape::total);
        b.field("running", Shape::running);
        b.field("temp", Shape::temperature);
        b.field("vibration", Shape::vibration, 2);
    }
}

void add_stat(Builder& b) {
    struct Host {
        const char *host, *line;
        std::int64_t offset;
    };
    constexpr std::array<Host, 3> hosts{{{"oven 1", "1", 0}, {"oven 2", "1", 250'000'000}, {"oven 3", "2", 553'626'718}}};
    for (const Host& h : hosts) {
        b.measure("stat", {{"host", h.host}, {"line", h.line}, {"site", "north"}}, 10 * second_ns, h.offset);
        b.field("cycles", Shape::count);
        b.field("note", Shape::status);
        b.field("running", Shape::running);
        b.field("temperature", Shape::temperature);
    }
}

} // namespace

const std::vector<Series>& plant() {
    static const std::vector<Series> all = [] {
        Builder b;
        add_edges(b);
        add_energy(b);
        add_machine(b);
        add_stat(b);
        return std::move(b.series);
    }();
    return all;
}

Type type_of(Shape shape) {
    switch (shape) {
    case Shape::temperature:
    case Shape::vibration:
    case Shape::power:
    case Shape::edge_double: return Type::floating;
    case Shape::count:
    case Shape::edge_integer: return Type::integer;
    case Shape::total:
    case Shape::edge_unsigned: return Type::unsigned_integer;
    case Shape::running: return Type::boolean;
    case Shape::status:
    case Shape::note: return Type::string;
    }
    return Type::string;
}

std::int64_t first_sample(const Series& series, Time from) {
    const std::int64_t k = floor_div(from.ns, series.period);
    return floor_mod(from.ns, series.period) > series.offset ? k + 1 : k;
}

Time sample_time(const Series& series, std::int64_t k) {
    // Unsigned: at the first second of int64 the product alone does not fit, the sum does.
    const auto ns = static_cast<std::uint64_t>(k) * static_cast<std::uint64_t>(series.period) + static_cast<std::uint64_t>(series.offset);
    return Time{static_cast<std::int64_t>(ns)};
}

bool sample_exists(const Series& series, std::int64_t k) {
    return series.every == 1 || floor_mod(k, series.every) == 0;
}

Value sample_value(const Series& s, std::int64_t k) {
    const std::uint64_t bits = mix(s.id ^ mix(static_cast<std::uint64_t>(k)));
    const auto turn = [&](const auto& list) { return list[static_cast<std::size_t>(floor_mod(floor_div(k, s.every), std::ssize(list)))]; };
    switch (s.shape) {
    case Shape::temperature: return wave(s, k, 18'000, 9'000, 360, 700);
    case Shape::vibration: return wave(s, k, 200, 1'800, 90, 300);
    case Shape::power: return wave(s, k, 40'000, 85'000, 1440, 4'000);
    case Shape::count: return k;
    case Shape::total: return static_cast<std::uint64_t>(k) * 10 + bits % 10;
    case Shape::running: return bits % 7 != 0;
    case Shape::status: return statuses[bits % statuses.size()];
    case Shape::note: return turn(notes);
    case Shape::edge_double: return turn(edge_doubles);
    case Shape::edge_integer: return turn(edge_integers);
    case Shape::edge_unsigned: return turn(edge_unsigneds);
    }
    return Null{};
}

} // namespace fluxgate::sample
