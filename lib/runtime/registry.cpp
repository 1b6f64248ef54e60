#include "runtime/registry.hpp"

#include "config/schema_check.hpp"

#include "fluxgate/stage.hpp"

#include <exception>
#include <filesystem>

namespace fluxgate::runtime {

namespace {

using config::Violation;

struct Report {
    std::vector<Violation> found;
    static void add(void* context, std::int32_t severity, fg_text pointer, fg_text message) {
        auto& self = *static_cast<Report*>(context);
        self.found.push_back({std::string{stage::to_view(pointer)}, std::string{stage::to_view(message)}, severity == FG_SEVERITY_WARNING});
    }
};

// What the type's own check says. A check that fails without a word is itself a violation.
std::vector<Violation> ask_type(const StageType& type, std::string_view document) {
    Report report;
    stage::ErrorSlot slot;
    std::int32_t code = FG_ERR_INTERNAL;
    std::string thrown;
    try {
        code = type.validate(stage::to_text(document), Report::add, &report, slot.get());
    } catch (const std::exception& e) {
        thrown = e.what();
    } catch (...) {
        thrown = "an exception of unknown type";
    }
    if (!thrown.empty()) report.found.push_back({"", "the check of " + type.info.name + " threw: " + thrown, false});
    bool bad = false;
    for (const Violation& violation : report.found)
        bad = bad || !violation.warning;
    if (!bad && code != FG_OK) report.found.push_back({"", slot.take(code).message, false});
    return std::move(report.found);
}

} // namespace

Result<void> Registry::load(const std::string& path) {
    std::error_code trouble;
    const std::string canonical = std::filesystem::weakly_canonical(path, trouble).string();
    {
        const std::scoped_lock lock{mutex_};
        if (!trouble && loaded_.count(canonical) != 0) return {};
    }
    auto plugin = open_plugin(path);
    if (!plugin.ok()) return std::move(plugin).error();
    auto added = add_all(std::move(plugin->types), path);
    if (!added.ok()) return added;
    const std::scoped_lock lock{mutex_};
    loaded_.insert(canonical);
    return {};
}

Result<void> Registry::add(const fg_stage_type* type) {
    auto checked = check_type(type, "the program");
    if (!checked.ok()) return std::move(checked).error();
    std::vector<StageType> one;
    one.push_back(std::move(*checked));
    return add_all(std::move(one), "the program");
}

// All or none.
Result<void> Registry::add_all(std::vector<StageType> found, const std::string& owner) {
    const std::scoped_lock lock{mutex_};
    std::set<std::string, std::less<>> names;
    for (const StageType& type : found) {
        const auto known = types_.find(type.info.name);
        if (known != types_.end())
            return Error{Errc::plugin, owner + ": the stage type \"" + type.info.name + "\" is already there, from " +
                                           (known->second->info.path.empty() ? "the program" : known->second->info.path)};
        if (!names.insert(type.info.name).second) return Error{Errc::plugin, owner + ": the stage type \"" + type.info.name + "\" is listed twice"};
    }
    for (StageType& type : found) {
        const std::string name = type.info.name;
        types_.emplace(name, std::make_shared<const StageType>(std::move(type)));
    }
    return {};
}

std::shared_ptr<const StageType> Registry::find(std::string_view type) const {
    const std::scoped_lock lock{mutex_};
    const auto at = types_.find(type);
    return at == types_.end() ? nullptr : at->second;
}

std::vector<StageTypeInfo> Registry::list() const {
    const std::scoped_lock lock{mutex_};
    std::vector<StageTypeInfo> out;
    for (const auto& entry : types_)
        out.push_back(entry.second->info);
    return out;
}

std::optional<std::int32_t> Registry::kind_of(std::string_view type) const {
    const auto found = find(type);
    return found ? std::optional{found->info.kind} : std::nullopt;
}

std::vector<Violation> Registry::validate(std::string_view type, std::string_view document) const {
    const auto found = find(type);
    if (!found) return {{"/type", "the stage type \"" + std::string{type} + "\" is not there", false}};
    if (found->validate != nullptr) return ask_type(*found, document);
    if (found->info.schema.empty()) return {};
    return config::check_text(document, found->info.schema).violations;
}

std::string Registry::schema_of(std::string_view type) const {
    const auto found = find(type);
    return found ? found->info.schema : std::string{};
}

std::vector<std::string> Registry::types() const {
    const std::scoped_lock lock{mutex_};
    std::vector<std::string> out;
    for (const auto& entry : types_)
        out.push_back(entry.first);
    return out;
}

} // namespace fluxgate::runtime
