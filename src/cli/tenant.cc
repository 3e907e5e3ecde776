// troika tenant: who may ask a server, and how much they did. Works on the tenants file and the
// ledger themselves; a running server takes changes of the file up within a second.

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/streams.h"
#include "cli/tenant_usage.h"
#include "serve/tenants/tenant_store.h"

namespace troika::cli {
namespace {

struct TenantOptions {
  std::string file = "tenants.toml";
  std::string name;
  std::vector<std::string> settings;
  bool keep_others = false;
  std::string drop;  // the id of a key
  TenantUsageOptions usage;
};

Result<std::vector<serve::TenantChange>> changes_of(const TenantOptions& options) {
  std::vector<serve::TenantChange> changes;
  for (const std::string& text : options.settings) {
    TROIKA_TRY(serve::TenantChange change, serve::parse_change(text));
    changes.push_back(std::move(change));
  }
  return changes;
}

/// The key alone goes to stdout, so that a script can take it.
Status show_key(const serve::NewKey& key) {
  write_stderr(fmt::format("key {} is shown now and never again:\n", key.record.digest.id()));
  return write_stdout(key.text + "\n");
}

Status add(const TenantOptions& options) {
  TROIKA_TRY(const auto changes, changes_of(options));
  TROIKA_TRY(const auto store, serve::TenantStore::open_or_create(options.file));
  TROIKA_TRY(const serve::NewKey key, store->add(options.name, changes));
  return show_key(key);
}

Status list(const TenantOptions& options) {
  TROIKA_TRY(const auto store, serve::TenantStore::open(options.file));
  std::string text;
  for (const serve::Tenant& tenant : store->directory()->tenants()) {
    text += fmt::format("{}\n  keys:", tenant.name);
    for (const serve::KeyRecord& key : tenant.keys)
      text +=
          fmt::format(" {}{}{}", key.digest.id(), key.created.empty() ? "" : " of ", key.created);
    text += tenant.keys.empty() ? " none\n" : "\n";
    for (const serve::TenantSetting& setting : serve::tenant_settings())
      if (setting.is_set(tenant))
        text += fmt::format("  {} = {}\n", setting.name, serve::written(setting.get(tenant)));
  }
  return write_stdout(text);
}

Status rotate_key(const TenantOptions& options) {
  TROIKA_TRY(const auto store, serve::TenantStore::open(options.file));
  if (!options.drop.empty()) return store->drop_key(options.name, options.drop);
  TROIKA_TRY(const serve::NewKey key, store->rotate_key(options.name, options.keep_others));
  return show_key(key);
}

Status limit(const TenantOptions& options) {
  TROIKA_TRY(const auto changes, changes_of(options));
  TROIKA_TRY(const auto store, serve::TenantStore::open(options.file));
  return store->change(options.name, changes);
}

Status remove(const TenantOptions& options) {
  TROIKA_TRY(const auto store, serve::TenantStore::open(options.file));
  return store->remove(options.name);
}

std::string settings_help() {
  std::string text = "Settings, as NAME=VALUE; none takes one back:\n";
  for (const serve::TenantSetting& setting : serve::tenant_settings())
    text += fmt::format("  {:<20} {}\n", setting.name, setting.wanted);
  return text;
}

class TenantCommand final : public Command {
 public:
  std::string_view name() const override { return "tenant"; }
  std::string_view summary() const override {
    return "Add, list, limit and remove those who may ask a server; show what they used";
  }
  std::string_view examples() const override {
    return "  troika tenant add clinic tokens_per_minute=100000 weight=3\n"
           "  troika tenant limit clinic tokens_per_day=2000000 priority=interactive\n"
           "  troika tenant rotate-key clinic\n"
           "  troika tenant usage --by day,tenant --format csv\n";
  }
  void declare(CLI::App& app) override {
    app.require_subcommand(1);
    declare_action(app, "add", "Add a tenant; prints its key, which is shown once", add)
        ->footer(settings_help())
        ->add_option("SETTING", options_.settings, "NAME=VALUE");
    declare_action(app, "list", "List tenants, the ids of their keys and their limits", list);
    CLI::App* rotate =
        declare_action(app, "rotate-key", "Give a tenant a new key; the others end", rotate_key);
    auto* keep = rotate->add_flag("--keep-others", options_.keep_others, "the others stay");
    rotate->add_option("--drop", options_.drop, "no new key: take back that with this id")
        ->type_name("ID")
        ->excludes(keep);
    declare_action(app, "limit", "Change what a tenant may", limit)
        ->footer(settings_help())
        ->add_option("SETTING", options_.settings, "NAME=VALUE")
        ->required();
    declare_action(app, "remove", "Remove a tenant; what it used stays in the ledger", remove);
    CLI::App* usage = app.add_subcommand("usage", "Show what tenants used");
    add_usage_flags(*usage, options_.usage);
    usage->final_callback([this] { action_ = nullptr; });
  }
  Status check() const override {
    if (action_ == nullptr) return check_usage(options_.usage);
    const auto changes = changes_of(options_);
    return changes.ok() ? ok() : Status(changes.error());
  }
  Status run() override {
    return action_ == nullptr ? print_usage(options_.usage) : action_(options_);
  }

 private:
  using Action = Status (*)(const TenantOptions&);

  CLI::App* declare_action(CLI::App& app, const std::string& action, const std::string& help,
                           Action run_action) {
    CLI::App* sub = app.add_subcommand(action, help);
    if (run_action != &list) sub->add_option("NAME", options_.name, "of the tenant")->required();
    sub->add_option("--tenants", options_.file, "the tenants file")
        ->capture_default_str()
        ->type_name("FILE");
    sub->final_callback([this, run_action] { action_ = run_action; });
    return sub;
  }

  TenantOptions options_;
  Action action_ = nullptr;  // null: usage
};

}  // namespace

std::unique_ptr<Command> make_tenant_command() {
  return std::make_unique<TenantCommand>();
}

}  // namespace troika::cli
