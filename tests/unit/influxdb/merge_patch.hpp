// A good source document and changes of it.
#pragma once

#include "config/json_text.hpp"

#include <string>
#include <string_view>

namespace fluxgate::influxdb {

inline constexpr std::string_view good_document =
    R"({"type":"input/influxdbv2@v1","displayName":"d","url":"https://h.example","organization":"o",)"
    R"("authentication":{"type":"accessToken","accessToken":"NAME"},"query":{"expression":"q"},"interval":"5s","format":{"type":"json"}})";

// RFC 7396: a null removes, an object merges, anything else replaces; new fields come last.
inline void merge(rapidjson::Value& target, const rapidjson::Value& patch, rapidjson::Document::AllocatorType& memory) {
    if (!patch.IsObject()) {
        target.CopyFrom(patch, memory);
        return;
    }
    if (!target.IsObject()) target.SetObject();
    for (const auto& member : patch.GetObject()) {
        if (member.value.IsNull()) {
            if (target.HasMember(member.name)) target.EraseMember(member.name);
            continue;
        }
        if (!target.HasMember(member.name)) {
            rapidjson::Value name{member.name, memory}, empty;
            target.AddMember(name, empty, memory);
        }
        merge(target[member.name], member.value, memory);
    }
}

inline std::string patched(std::string_view patch) {
    auto document = config::parse_json(good_document);
    const auto change = config::parse_json(patch);
    merge(document.dom, change.dom, document.dom.GetAllocator());
    return config::to_text(document.dom);
}

} // namespace fluxgate::influxdb
