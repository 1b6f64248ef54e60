#include "flux/table.hpp"

#include <array>
#include <utility>

namespace fluxgate::flux {

Type type_of(std::string_view datatype) noexcept {
    static constexpr std::array<std::pair<std::string_view, Type>, 11> names{{{"string", Type::string},
                                                                              {"double", Type::double_},
                                                                              {"long", Type::long_},
                                                                              {"dateTime:RFC3339", Type::time_rfc3339},
                                                                              {"dateTime:RFC3339Nano", Type::time_rfc3339},
                                                                              {"boolean", Type::boolean},
                                                                              {"unsignedLong", Type::unsigned_long},
                                                                              {"duration", Type::duration},
                                                                              {"base64Binary", Type::base64_binary},
                                                                              {"dateTime:number", Type::time_number},
                                                                              {"dateTime", Type::time_rfc3339}}};
    for (const auto& [name, type] : names) {
        if (name == datatype) return type;
    }
    return Type::unknown;
}

std::string decode(const Field& field) {
    if ((field.flags & Field::quoted) == 0 || (field.flags & (Field::doubled | Field::special)) == 0) return std::string{field.raw()};
    std::string out;
    out.reserve(field.size);
    for (std::size_t i = 0; i < field.size; ++i) {
        const char c = field.data[i];
        if (c == '"') {
            ++i; // inside a quoted field quotes come in pairs
        } else if (c == '\r' && i + 1 < field.size && field.data[i + 1] == '\n') {
            continue;
        }
        out += c;
    }
    return out;
}

} // namespace fluxgate::flux
