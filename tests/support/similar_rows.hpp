// Random bodies of annotated CSV whose rows resemble the row before, as a server's rows do.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace fluxgate::test {

// The seed of a randomised test: FLUXGATE_SEED, or a new one.
inline unsigned chosen_seed() {
    const char* fixed = std::getenv("FLUXGATE_SEED");
    return fixed != nullptr ? static_cast<unsigned>(std::strtoul(fixed, nullptr, 10)) : std::random_device{}();
}

class SimilarRows {
public:
    explicit SimilarRows(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return random_() % n; }

    // One to three tables with up to `most` rows each. Few columns change from row to row; which ones do changes now and then.
    std::string body(std::size_t most) {
        std::string out;
        for (std::size_t t = 0, tables = 1 + below(3); t < tables; ++t)
            append_table(out, 1 + below(most));
        return out + end_of_line();
    }

private:
    struct Kind {
        const char* type;
        std::vector<std::string> values;
    };

    static const std::vector<Kind>& kinds() {
        static const std::vector<Kind> all{
            {"string",
             {"a", "", "machine-10001", "\"quoted\"", "\"a, \"\"b\"\"\"", "\"two\r\nlines\"", "back\\slash", "gr\xC3\xBC\xC3\x9F", "bad\xFFutf",
              "lone\rcr", std::string(70, 'x'), "\"" + std::string(40, 'y') + "\""}},
            {"double", {"1", "-0.5", "21.5", "1e300", "NaN", "+Inf", "007", "", "no number"}},
            {"long", {"0", "9223372036854775807", "-1", "x", ""}},
            {"dateTime:RFC3339", {"2026-11-21T10:02:07Z", "2026-11-21T10:02:08.123456789Z", "2026-11-21T10:03:00+01:00", "2026-13-01T00:00:00Z", ""}},
            {"boolean", {"true", "false", "\"true\"", ""}}};
        return all;
    }

    const char* end_of_line() { return below(8) == 0 ? "\n" : "\r\n"; }

    void append_table(std::string& out, std::size_t rows) {
        std::vector<const Kind*> columns(1 + below(7));
        std::string types = "#datatype,string,long", groups = "#group,false,false", defaults = "#default,_result,", names = ",result,table";
        std::vector<std::size_t> often;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            columns[i] = &kinds()[below(kinds().size())];
            const bool grouped = below(2) == 0;
            types += std::string{","} + columns[i]->type;
            groups += grouped ? ",true" : ",false";
            defaults += below(4) == 0 ? "," + columns[i]->values[0] : ",";
            names += ",c" + std::to_string(i);
            if (!grouped) often.push_back(i);
        }
        for (const std::string& line : {types, groups, defaults, names})
            out += line + end_of_line();
        std::vector<std::string> fields(columns.size());
        std::size_t number = 0;
        for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t i = 0; i < columns.size(); ++i) {
                if (r == 0 || below(60) == 0) fields[i] = columns[i]->values[below(columns[i]->values.size())];
            }
            for (const std::size_t i : often) {
                if (below(5) != 0) fields[i] = columns[i]->values[below(columns[i]->values.size())];
            }
            if (below(200) == 0) ++number;
            out += ",," + std::to_string(number);
            for (const std::string& field : fields)
                out += "," + field;
            out += end_of_line();
            if (below(300) == 0) out += end_of_line(); // a blank line that ends nothing
        }
        out += end_of_line();
    }

    std::mt19937 random_;
};

} // namespace fluxgate::test
