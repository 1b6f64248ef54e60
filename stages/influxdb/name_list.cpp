#include "name_list.hpp"

namespace fluxgate::influxdb {

void NameList::begin() {
    reader_.reset();
    names_.clear();
    failed_ = false;
}

void NameList::on_body(std::string_view bytes) {
    if (failed_) return;
    reader_.feed(bytes);
    for (;;) {
        switch (reader_.next()) {
        case flux::Event::need_more: return;
        case flux::Event::table:
        case flux::Event::long_row: break; // longer than any name
        case flux::Event::row: add(reader_.row()); break;
        case flux::Event::failed: failed_ = true; return;
        }
    }
}

void NameList::add(const flux::Row& row) {
    const flux::Table& table = reader_.table();
    for (std::size_t i = 0; i < table.columns.size() && names_.size() < most_; ++i) {
        if (table.columns[i].name != "_value") continue;
        names_.push_back(row.fields[i].size == 0 ? table.columns[i].default_value : flux::decode(row.fields[i]));
        return;
    }
}

} // namespace fluxgate::influxdb
