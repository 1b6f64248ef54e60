// Reads the fields of a document that the schema was checked against. For settings*.cpp.
#pragma once

#include "config/byte_size.hpp"
#include "config/duration.hpp"
#include "config/findings.hpp"
#include "influxdb/settings.hpp"

#include <rapidjson/document.h>

#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate::influxdb {

using rapidjson::Value;

// One object of the document. What is missing or of a wrong type reads as "not given": the schema has reported it.
class Fields {
public:
    explicit Fields(const Value* object) : object_{object != nullptr && object->IsObject() ? object : nullptr} {}

    [[nodiscard]] const Value* find(const char* name) const {
        if (object_ == nullptr) return nullptr;
        const auto found = object_->FindMember(name);
        return found == object_->MemberEnd() ? nullptr : &found->value;
    }
    [[nodiscard]] bool has(const char* name) const { return find(name) != nullptr; }
    [[nodiscard]] Fields object(const char* name) const { return Fields{find(name)}; }

    [[nodiscard]] std::string_view text(const char* name) const {
        const Value* value = find(name);
        if (value == nullptr || !value->IsString()) return {};
        return {value->GetString(), value->GetStringLength()};
    }
    void read(const char* name, std::string& into) const {
        if (has(name)) into = text(name);
    }
    void read(const char* name, bool& into) const {
        const Value* value = find(name);
        if (value != nullptr && value->IsBool()) into = value->GetBool();
    }
    void read(const char* name, std::chrono::nanoseconds& into) const {
        if (const auto duration = config::parse_duration(text(name)); duration) into = *duration;
    }
    void read_count(const char* name, std::uint32_t& into) const {
        const Value* value = find(name);
        if (value != nullptr && value->IsUint()) into = value->GetUint();
    }
    template <class Integer>
    void read_bytes(const char* name, Integer& into) const {
        const Value* value = find(name);
        if (value == nullptr) return;
        const auto bytes = config::byte_size_of(*value);
        if (bytes && *bytes <= std::numeric_limits<Integer>::max()) into = static_cast<Integer>(*bytes);
    }
    template <class Enum, std::size_t N>
    void read_word(const char* name, const std::array<std::pair<std::string_view, Enum>, N>& words, Enum& into) const {
        for (const auto& [word, value] : words)
            if (text(name) == word) into = value;
    }

    void read_names(const char* name, std::vector<std::string>& into) const {
        const Value* value = find(name);
        if (value == nullptr || !value->IsArray()) return;
        for (const Value& item : value->GetArray())
            if (item.IsString()) into.emplace_back(item.GetString(), item.GetStringLength());
    }

private:
    const Value* object_;
};

// `incremental` and `read`; writes the query that `read` stands for.
void read_incremental(const Fields& document, Settings& settings, config::Findings& findings);

} // namespace fluxgate::influxdb
