#include "flux_position.hpp"

#include "message/json_text.hpp"

#include <algorithm>
#include <vector>

namespace fluxgate::influxdb {

namespace {

constexpr std::size_t window = 100; // characters of the line that are shown
constexpr std::size_t lead = 40;    // of them before the position

// A number of at most nine digits; more are no position.
bool number(std::string_view text, std::size_t& at, std::uint32_t& out) {
    const std::size_t begin = at;
    out = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - begin < 9)
        out = out * 10 + static_cast<std::uint32_t>(text[at++] - '0');
    return at > begin && out > 0;
}

bool literal(std::string_view text, std::size_t& at, char c) {
    if (at >= text.size() || text[at] != c) return false;
    ++at;
    return true;
}

// "1:24-1:30" at `at`.
std::optional<FluxPosition> position_at(std::string_view text, std::size_t at) {
    FluxPosition p;
    const bool read = number(text, at, p.line) && literal(text, at, ':') && number(text, at, p.column) && literal(text, at, '-') &&
                      number(text, at, p.end_line) && literal(text, at, ':') && number(text, at, p.end_column);
    const bool ordered = p.end_line > p.line || (p.end_line == p.line && p.end_column >= p.column);
    if (!read || !ordered) return std::nullopt;
    return p;
}

bool is_empty(const FluxPosition& p) {
    return p.line == p.end_line && p.column == p.end_column;
}

bool says_more(const FluxPosition& a, const FluxPosition& b) {
    if (is_empty(a) != is_empty(b)) return is_empty(b);
    const std::uint32_t a_lines = a.end_line - a.line, b_lines = b.end_line - b.line;
    if (a_lines != b_lines) return a_lines < b_lines;
    return a_lines == 0 && a.end_column - a.column < b.end_column - b.column;
}

std::optional<std::string_view> line_of(std::string_view text, std::uint32_t number) {
    for (std::uint32_t at = 1;; ++at) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (at == number) {
            std::string_view line = text.substr(0, end);
            if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
            return line;
        }
        if (end == text.size()) return std::nullopt;
        text.remove_prefix(end + 1);
    }
}

// The characters of a line, each of which is to take one place: control characters become spaces, bad bytes question marks.
struct Characters {
    std::vector<std::string> text;
    std::vector<std::size_t> offset; // of each in the line, and of the line's end
};

Characters characters_of(std::string_view line) {
    Characters out;
    for (std::size_t at = 0; at < line.size();) {
        int bad = 1;
        const int size = message::utf8_sequence(line.substr(at), bad);
        const std::string_view c = line.substr(at, static_cast<std::size_t>(size > 0 ? size : bad));
        const auto first = static_cast<unsigned char>(c.front());
        const bool control = first < 0x20 || first == 0x7F || (first == 0xC2 && c.size() == 2 && static_cast<unsigned char>(c[1]) < 0xA0);
        out.text.emplace_back(size == 0 ? "?" : control ? " " : c);
        out.offset.push_back(at);
        at += c.size();
    }
    out.offset.push_back(line.size());
    return out;
}

// The index of the character that holds the byte `column` (from 1); beyond the end: the place behind the last one.
std::size_t index_of(const Characters& line, std::uint32_t column) {
    const auto at = std::upper_bound(line.offset.begin(), line.offset.end(), static_cast<std::size_t>(column) - 1);
    return static_cast<std::size_t>(at - line.offset.begin()) - 1;
}

} // namespace

std::optional<FluxPosition> find_flux_position(std::string_view server_text) {
    std::optional<FluxPosition> best;
    for (const std::string_view mark : {std::string_view{"@"}, std::string_view{"loc "}}) {
        for (std::size_t at = server_text.find(mark); at != std::string_view::npos; at = server_text.find(mark, at + 1)) {
            const std::optional<FluxPosition> found = position_at(server_text, at + mark.size());
            if (found && (!best || says_more(*found, *best))) best = found;
        }
    }
    return best;
}

std::string show_flux_position(std::string_view query, const FluxPosition& position) {
    const std::optional<std::string_view> text = line_of(query, position.line);
    if (!text || position.column == 0 || position.column - 1 > text->size()) return {};
    const Characters line = characters_of(*text);
    const std::size_t count = line.text.size();
    const std::size_t begin = index_of(line, position.column);
    const bool here = position.end_line == position.line; // else it goes on to the line's end and further
    const std::size_t end = std::max(begin + 1, here ? index_of(line, position.end_column) : count);

    std::size_t from = count <= window || begin < lead ? 0 : begin - lead;
    from = std::min(from, count > window ? count - window : 0);
    const std::size_t to = std::min(count, from + window);
    const std::string head = "line " + std::to_string(position.line) + ": " + (from > 0 ? "..." : "");
    std::string out = head;
    for (std::size_t i = from; i < to; ++i)
        out += line.text[i];
    if (to < count) out += "...";
    out += '\n';
    out.append(head.size() + begin - from, ' ');
    return out.append(std::max<std::size_t>(1, std::min(end, std::max(to, begin + 1)) - begin), '^');
}

std::string query_line(std::string_view query, std::string_view server_text) {
    const std::optional<FluxPosition> position = find_flux_position(server_text);
    return position ? show_flux_position(query, *position) : std::string{};
}

} // namespace fluxgate::influxdb
