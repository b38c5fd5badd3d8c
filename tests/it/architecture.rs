//! Architecture rules that no single file shows: which module of the gateway may import which, and which files may use
//! which names. Which crate may use which is in their `Cargo.toml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use model::environment::Slug;

/// Which module may import which. The same table is in `docs/architecture.md`. It permits nothing that is
/// not used.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("app", &["links", "store", "telemetry"]),
    ("background", &["app", "store", "telemetry"]),
    ("cli", &["app", "config", "demo_app", "links", "server", "store", "telemetry", "test_idp"]),
    ("config", &[]),
    ("demo_app", &["links", "web"]),
    ("http", &["app", "config", "links", "telemetry", "web"]),
    ("links", &[]),
    (
        "server",
        &[
            "app",
            "background",
            "config",
            "demo_app",
            "http",
            "links",
            "store",
            "telemetry",
            "test_idp",
            "web",
        ],
    ),
    ("store", &["telemetry"]),
    ("telemetry", &[]),
    ("test_idp", &["links", "web"]),
    ("web", &["app", "links", "telemetry"]),
];

/// Names that only some files may use: the text, the path prefixes of those files, and the reason.
const MAY_NAME: &[(&str, &[&str], &str)] = &[
    (
        "sqlx",
        &["store/", "crates/base/src/columns.rs", "crates/base/src/lib.rs"],
        "SQL and its drivers live in `store`; how ids and times are stored, in `base`",
    ),
    ("actix_web", &["http/", "web/", "server/", "test_idp/", "demo_app/"], "HTTP lives at the edge"),
    ("SystemTime", &["crates/base/src/time.rs"], "time is passed in"),
    ("OffsetDateTime::now", &["crates/base/src/time.rs"], "time is passed in"),
    ("rand_bytes", &["crates/base/src/random.rs"], "randomness is passed in"),
    ("anyhow", &["cli/"], "errors are closed enums everywhere else"),
    ("println!", &[], "a command writes by `cli/output.rs`, a server by `tracing`"),
    ("env::var", &["cli/settings_args.rs"], "settings are read once, by `config`"),
    (
        "SELECT *",
        &[],
        "columns are named: a migration that adds one must not break statements that a replica prepared",
    ),
    (".* FROM", &[], "columns are named, as above"),
    ("match_pattern", &["web/kit/routing.rs"], "the route of a request is looked up once"),
    (
        "web::resource(",
        &["web/kit/route_groups.rs", "http/scim/mod.rs"],
        "routes are registered through `web::kit::routing::Routes`, under a surface",
    ),
    (
        "web::scope(",
        &["web/kit/route_groups.rs"],
        "routes are registered through `web::kit::routing::Routes`",
    ),
];

/// A file of the gateway (its name begins below `src`) or of a crate, without its comments and its tests.
struct Source {
    name: String,
    whole: String,
    code: String,
}

fn sources() -> Vec<Source> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    walk(&root.join("src"), &mut paths);
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        walk(&entry.unwrap().path().join("src"), &mut paths);
    }
    paths.sort();
    assert!(paths.len() > 50, "the sources were not found");
    paths
        .iter()
        .map(|path| {
            let path_here = path.strip_prefix(root).unwrap();
            let name = path_here.strip_prefix("src").unwrap_or(path_here).to_str().unwrap().to_owned();
            let whole = fs::read_to_string(path).unwrap();
            let lines: Vec<&str> =
                whole.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            // Tests are at the end of a file, or in a file called `tests.rs` or `samples.rs`.
            let text = lines.join("\n");
            let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
            let code = if is_test(&name) { String::new() } else { text[..end].to_owned() };
            Source { name, whole, code }
        })
        .collect()
}

fn is_test(name: &str) -> bool {
    ["tests.rs", "samples.rs"].iter().any(|file| name.ends_with(file))
        || name.contains("/tests/")
        || name.contains("/samples/")
}

/// The module of a file: `app/login/accept.rs` → `app`.
fn module_of(name: &str) -> &str {
    let first = name.split('/').next().unwrap();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The modules that code names by `crate::…`, in a path or in a tree of `use`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.extend(identifier(rest)),
            Some(tree) => {
                let mut depth = 0;
                let mut begins = true;
                for (at, letter) in tree.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => begins = true,
                        letter if begins && letter.is_alphabetic() => {
                            found.extend(identifier(&tree[at..]));
                            begins = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

fn identifier(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn imports_are_read_from_paths_and_trees() {
    let code =
        "use crate::{\n    app::{State, b::{c}},\n    model,\n    saml::x,\n};\nfn f() { crate::links::y() }";
    assert_eq!(imports(code).into_iter().collect::<Vec<_>>(), ["app", "links", "model", "saml"]);
}

#[test]
fn every_module_imports_only_what_it_may() {
    let permitted: BTreeMap<&str, BTreeSet<&str>> =
        MAY_IMPORT.iter().map(|(module, others)| (*module, others.iter().copied().collect())).collect();
    let mut done: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    let sources = sources();
    let is_gateway = |source: &&Source| {
        source.name != "lib.rs" && source.name != "main.rs" && !source.name.starts_with("crates/")
    };
    for source in sources.iter().filter(is_gateway) {
        let here = module_of(&source.name);
        let Some((here, permitted)) = permitted.get_key_value(here) else {
            panic!("{} is in a module that the table does not know", source.name)
        };
        for there in imports(&source.code).into_iter().filter(|there| there != here) {
            match permitted.get(there.as_str()) {
                Some(there) => {
                    done.entry(here).or_default().insert(there);
                }
                None => wrong.push(format!("{} imports {there}", source.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "the import table forbids:\n{}", wrong.join("\n"));
    let mut unused = Vec::new();
    for (module, others) in permitted {
        let done = done.entry(module).or_default();
        unused.extend(others.difference(done).map(|other| format!("{module} to import {other}")));
    }
    assert!(unused.is_empty(), "the table permits what nobody does:\n{}", unused.join("\n"));
}

#[test]
fn only_some_may_name_some_things() {
    let sources = sources();
    let mut wrong = Vec::new();
    for (text, prefixes, why) in MAY_NAME {
        for source in &sources {
            if source.code.contains(text) && !prefixes.iter().any(|prefix| source.name.starts_with(prefix)) {
                wrong.push(format!("{} names {text}: {why}", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn accounts_know_nobody_who_uses_them() {
    for source in sources().iter().filter(|source| source.name.starts_with("app/accounts/")) {
        for user in ["administrators", "setup", "console"] {
            assert!(!source.code.contains(&format!("{user}::")), "{} names {user}", source.name);
        }
        assert!(!source.code.contains("settings.console"), "{} reads the console's settings", source.name);
    }
}

#[test]
fn every_file_begins_with_a_module_comment() {
    for source in sources().iter().filter(|source| !is_test(&source.name)) {
        assert!(source.whole.starts_with("//! "), "{} begins without a word about itself", source.name);
    }
}

#[test]
fn the_documented_import_table_is_the_real_one() {
    let documented =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap();
    for (module, others) in MAY_IMPORT {
        let others = match others {
            [] => "nothing".to_owned(),
            others => others.iter().map(|other| format!("`{other}`")).collect::<Vec<_>>().join(", "),
        };
        let row = format!("| `{module}` | {others} |");
        assert!(documented.contains(&row), "docs/architecture.md lacks the row\n{row}");
    }
}

/// The string literals of code, as they stand there.
fn literals(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(begin) = rest.find('"') {
        let inner = &rest[begin + 1..];
        let mut end = 0;
        while end < inner.len() && inner.as_bytes()[end] != b'"' {
            end += if inner.as_bytes()[end] == b'\\' { 2 } else { 1 };
        }
        let end = end.min(inner.len());
        found.push(&inner[..end]);
        rest = inner.get(end + 1..).unwrap_or_default();
    }
    found
}

/// Removed organizations and directories stay for a while. What `store::table` makes leaves them out; SQL that is written out says so.
#[test]
fn every_statement_about_organizations_and_directories_leaves_out_the_removed_ones() {
    // The part of the statement, and why it may see them.
    const EXEMPT: &[(&str, &str)] = &[
        ("SELECT id FROM organizations WHERE id IN (", "an import: the id is taken"),
        ("SELECT id FROM scim_directories WHERE id IN (", "an import: the id is taken"),
        ("scim_directories WHERE id = $1", "of a directory that was found before, within one request"),
        ("scim_directories SET user_count", "the same"),
        ("scim_directories SET group_count", "the same"),
        (
            "INSERT INTO scim_usage (directory_id, environment_id, stored_bytes, day, day_bytes) VALUES",
            "the same",
        ),
    ];
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in sources()
        .iter()
        .filter(|source| source.name.starts_with("store/") && source.name != "store/ssoready.rs")
    {
        for text in literals(&source.code) {
            let words =
                text.split_whitespace().filter(|word| *word != "\\").collect::<Vec<_>>().join(" ") + " ";
            let names = |table: &str| {
                ["FROM", "JOIN", "UPDATE"].iter().any(|verb| words.contains(&format!("{verb} {table} ")))
            };
            if !names("organizations") && !names("scim_directories") {
                continue;
            }
            seen += 1;
            if !words.contains("deleted_at") && !EXEMPT.iter().any(|(exempt, _)| words.contains(exempt)) {
                wrong.push(format!("{}: {words}", source.name));
            }
        }
    }
    assert!(seen > 30, "the statements were not found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An environment's slug will be the first segment of its paths, so none may be the first segment of a
/// route of ours.
#[test]
fn the_first_segment_of_every_route_is_reserved() {
    let mut routes = BTreeSet::new();
    for source in sources() {
        let is_list = module_of(&source.name) == "links";
        for (at, _) in source.code.match_indices("\"/") {
            let literal = source.code[at + 1..].split('"').next().unwrap();
            let before = source.code[..at].trim_end();
            let registers =
                ["resource(", "route(", "scope("].iter().any(|registers| before.ends_with(registers));
            if is_list || registers {
                routes.insert(literal.to_owned());
            }
        }
    }
    assert!(routes.len() > 20 && routes.contains("/healthz"), "the routes were not found: {routes:?}");
    for route in routes {
        let first = route[1..].split(['/', '?']).next().unwrap();
        if !first.is_empty() {
            assert!(Slug::parse(first).is_err(), "{first:?}, of {route}, is not reserved");
        }
    }
}
