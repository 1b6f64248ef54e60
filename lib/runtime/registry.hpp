// The stage types of a host.
#pragma once

#include "config/pipeline_document.hpp"
#include "runtime/loader.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <set>

namespace fluxgate::runtime {

// Thread-safe. Types are never removed, so what find() answers stays valid as long as the shared_ptr.
class Registry final : public config::StageCatalog {
public:
    Result<void> load(const std::string& path);
    Result<void> add(const fg_stage_type* type);

    [[nodiscard]] std::shared_ptr<const StageType> find(std::string_view type) const;
    [[nodiscard]] std::vector<StageTypeInfo> list() const;

    [[nodiscard]] std::optional<std::int32_t> kind_of(std::string_view type) const override;
    [[nodiscard]] std::vector<config::Violation> validate(std::string_view type, std::string_view document) const override;
    [[nodiscard]] std::string schema_of(std::string_view type) const override;
    [[nodiscard]] std::vector<std::string> types() const override;

private:
    Result<void> add_all(std::vector<StageType> found, const std::string& owner);

    mutable std::mutex mutex_;
    std::set<std::string> loaded_; // canonical paths
    std::map<std::string, std::shared_ptr<const StageType>, std::less<>> types_;
};

} // namespace fluxgate::runtime
