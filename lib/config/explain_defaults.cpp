#include "config/explain_defaults.hpp"

#include "config/document_form.hpp"
#include "config/duration.hpp"
#include "config/findings.hpp"

#include <string_view>

namespace fluxgate::config {

namespace {

using rapidjson::Value;

class Filling {
public:
    Filling(const Value& given, std::vector<std::string>& pointers, rapidjson::Document::AllocatorType& allocator)
        : pointers_{pointers}, allocator_{allocator} {
        given_.CopyFrom(given, allocator);
    }

    // With `quiet` the object itself was put in, so its members are no news.
    void object(Value& at, const Value& schema, const std::string& pointer, bool quiet) {
        const Value* properties = object_member_of(schema, "properties");
        if (properties == nullptr) return;
        for (const auto& property : properties->GetObject()) {
            const std::string name = text_of(&property.name);
            if (at.HasMember(property.name)) {
                inside(at[property.name], property.value, child(pointer, name), quiet);
                continue;
            }
            const Value* fallback = member_of(property.value, "default");
            if (fallback == nullptr) continue;
            Value made;
            made.CopyFrom(*fallback, allocator_);
            made = related(std::move(made), property.value);
            if (made.IsObject()) {
                forget_related(made, property.value);
                object(made, property.value, child(pointer, name), true);
            }
            at.AddMember(Value{property.name, allocator_}, made, allocator_);
            if (!quiet) pointers_.push_back(child(pointer, name));
        }
    }

private:
    void inside(Value& value, const Value& schema, const std::string& pointer, bool quiet) {
        if (value.IsObject()) object(value, schema, pointer, quiet);
        const Value* items = object_member_of(schema, "items");
        if (value.IsArray() && items != nullptr)
            for (rapidjson::SizeType i = 0; i < value.Size(); ++i)
                inside(value[i], *items, child(pointer, i), quiet);
    }

    // The value at a pointer into the stage as it was given.
    [[nodiscard]] const Value* at(std::string_view pointer) const {
        const Value* value = &given_;
        while (value != nullptr && !pointer.empty()) {
            pointer.remove_prefix(1);
            const std::string name{pointer.substr(0, pointer.find('/'))};
            pointer.remove_prefix(name.size());
            value = member_of(*value, name.c_str());
        }
        return value;
    }

    Value related(Value made, const Value& schema) {
        const Value* same = at(text_of(member_of(schema, "x-same-as")));
        if (member_of(schema, "x-same-as") != nullptr && same != nullptr) made.CopyFrom(*same, allocator_);
        const Value* least = at(text_of(member_of(schema, "x-at-least")));
        if (member_of(schema, "x-at-least") == nullptr || least == nullptr) return made;
        const auto has = parse_duration(text_of(&made)), wants = parse_duration(text_of(least));
        if (has && wants && *wants > *has) made.CopyFrom(*least, allocator_);
        return made;
    }

    // So that they are made from what was given, not from the default of the whole object.
    static void forget_related(Value& made, const Value& schema) {
        const Value* properties = object_member_of(schema, "properties");
        if (properties == nullptr) return;
        for (const auto& property : properties->GetObject())
            if (member_of(property.value, "x-same-as") != nullptr || member_of(property.value, "x-at-least") != nullptr)
                made.RemoveMember(property.name);
    }

    Value given_;
    std::vector<std::string>& pointers_;
    rapidjson::Document::AllocatorType& allocator_;
};

} // namespace

void fill_defaults(Value& object, const Value& schema, const std::string& pointer, std::vector<std::string>& pointers,
                   rapidjson::Document::AllocatorType& allocator) {
    Filling{object, pointers, allocator}.object(object, schema, pointer, false);
}

} // namespace fluxgate::config
