//! No two files of a crate import each other, directly or by way of others: a file can be read, moved and tested
//! with what it imports and nothing else.
//!
//! Imports are read from the text: `use` trees, and paths that begin with `crate`, `super`, `self`, an imported
//! module or a child module. A re-export counts as the file that defines the item. Tests are left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

type Module = Vec<String>;

/// The files of one crate, by module.
struct Crate {
    files: BTreeMap<Module, String>,
    /// What a module re-exports, by name.
    exports: BTreeMap<Module, BTreeMap<String, Module>>,
}

/// A `use` statement's leaves: the path, and the name it has here.
struct Import {
    path: Vec<String>,
    name: String,
    public: bool,
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code without comments, strings, tests and the paths in `pub(in …)`, on which brackets and paths can be read.
fn bare(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(raw) = rest.strip_prefix("r#\"").filter(|_| !ends_a_word(&out)) {
            3 + raw.find("\"#").map_or(raw.len(), |end| end + 2)
        } else if let Some(raw) = rest.strip_prefix("r\"").filter(|_| !ends_a_word(&out)) {
            2 + raw.find('"').map_or(raw.len(), |end| end + 1)
        } else if rest.starts_with('"') {
            let mut end = 1;
            while end < rest.len() && rest.as_bytes()[end] != b'"' {
                end += if rest.as_bytes()[end] == b'\\' { 2 } else { 1 };
            }
            (end + 1).min(rest.len())
        } else if rest.starts_with("'\"'") || rest.starts_with("'{'") || rest.starts_with("'}'") {
            3
        } else if rest.starts_with("pub(in ") {
            rest.find(')').unwrap_or(0)
        } else {
            0
        };
        if skipped == 0 {
            let letter = rest.chars().next().unwrap();
            out.push(letter);
            at += letter.len_utf8();
        } else {
            at += skipped;
            while !text.is_char_boundary(at) {
                at += 1;
            }
        }
    }
    out
}

fn ends_a_word(text: &str) -> bool {
    text.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
}

/// The `use` statements, and the code without them.
fn split_uses(code: &str) -> (Vec<Import>, String) {
    let (mut imports, mut rest, mut statement) = (Vec::new(), String::new(), None::<(String, bool)>);
    for line in code.lines() {
        let trimmed = line.trim_start();
        if statement.is_none() {
            let visible = trimmed.strip_prefix("pub").map(|tail| match tail.strip_prefix('(') {
                Some(scope) => scope.split_once(')').map_or(tail, |(_, tail)| tail).trim_start(),
                None => tail.trim_start(),
            });
            if let Some(tree) = visible.unwrap_or(trimmed).strip_prefix("use ") {
                statement = Some((tree.to_owned(), visible.is_some()));
            }
        } else if let Some((tree, _)) = &mut statement {
            tree.push_str(trimmed);
            tree.push(' ');
        }
        match &statement {
            Some((tree, public)) if tree.contains(';') => {
                expand(tree.split(';').next().unwrap(), &[], *public, &mut imports);
                statement = None;
            }
            Some(_) => {}
            None => {
                rest.push_str(line);
                rest.push('\n');
            }
        }
    }
    (imports, rest)
}

fn expand(tree: &str, prefix: &[String], public: bool, found: &mut Vec<Import>) {
    let tree = tree.trim();
    let segments = |text: &str| -> Vec<String> {
        text.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    if let Some((head, inner)) = tree.strip_suffix('}').and_then(|tree| tree.split_once('{')) {
        let prefix = [prefix, &segments(head)].concat();
        let (mut depth, mut start) = (0, 0);
        for (at, letter) in inner.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&inner[start..at], &prefix, public, found);
                    start = at + 1;
                }
                _ => {}
            }
        }
        expand(&inner[start..], &prefix, public, found);
    } else if !tree.is_empty() {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
        let mut path = [prefix, &segments(path)].concat();
        if path.last().is_some_and(|last| last == "self" && path.len() > 1) {
            path.pop();
        }
        let name = alias.map_or_else(|| path.last().unwrap().clone(), |alias| alias.trim().to_owned());
        found.push(Import { path, name, public });
    }
}

impl Crate {
    fn read(root: &Path) -> (Self, Vec<(Module, String)>) {
        let mut paths = Vec::new();
        rust_files(root, &mut paths);
        let (mut files, mut code) = (BTreeMap::new(), Vec::new());
        for path in paths {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if name == "main.rs" {
                continue;
            }
            let mut module: Module = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
                module.pop();
            }
            if !["tests", "samples"].iter().any(|test| module.iter().any(|part| part == test)) {
                code.push((module.clone(), bare(&fs::read_to_string(&path).unwrap())));
            }
            files.insert(module, name);
        }
        let mut this = Self { files, exports: BTreeMap::new() };
        for (module, text) in &code {
            for import in split_uses(text).0.into_iter().filter(|import| import.public) {
                if let Some(path) = this.absolute(&import.path, module) {
                    this.exports.entry(module.clone()).or_default().insert(import.name, path);
                }
            }
        }
        (this, code)
    }

    /// The path from the crate's root; `None` for what another crate defines.
    fn absolute(&self, path: &[String], module: &[String]) -> Option<Module> {
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([module, &path[1..]].concat()),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                Some([&module[..module.len().checked_sub(up)?], &path[up..]].concat())
            }
            _ => {
                let child = [module, &path[..1]].concat();
                self.files.contains_key(&child).then(|| [module, path].concat())
            }
        }
    }

    /// The file that defines what `path` names.
    fn file(&self, path: &[String], depth: usize) -> Option<&String> {
        for length in (0..=path.len()).rev() {
            let (module, rest) = path.split_at(length);
            let Some(file) = self.files.get(module) else { continue };
            let export = rest.first().and_then(|name| self.exports.get(module)?.get(name));
            return match export.filter(|_| depth < 8) {
                Some(export) => self.file(&[export, &rest[1..]].concat(), depth + 1),
                None => Some(file),
            };
        }
        None
    }

    /// Which file imports which.
    fn arrows(&self, code: &[(Module, String)]) -> BTreeMap<String, BTreeSet<String>> {
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (module, text) in code {
            let here = &self.files[module];
            let (imports, rest) = split_uses(text);
            let mut targets = Vec::new();
            let mut modules: BTreeMap<String, Module> = BTreeMap::new();
            for import in imports {
                let Some(path) = self.absolute(&import.path, module) else { continue };
                if self.files.contains_key(&path) {
                    modules.insert(import.name, path);
                } else if !import.public {
                    targets.push(path);
                }
            }
            for path in paths(&rest) {
                let imported = modules.get(&path[0]).map(|module| [module, &path[1..]].concat());
                targets.extend(imported.or_else(|| self.absolute(&path, module)));
            }
            let there = targets.iter().filter_map(|path| self.file(path, 0)).filter(|file| *file != here);
            arrows.entry(here.clone()).or_default().extend(there.cloned());
        }
        arrows
    }
}

/// The paths in code that have at least two segments.
fn paths(code: &str) -> Vec<Vec<String>> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut found = Vec::new();
    for text in code.split(|letter: char| !is_part(letter) && letter != ':') {
        let text = text.trim_end_matches(':');
        if text.contains("::") && !text.starts_with(':') {
            found.push(text.split("::").map(str::to_owned).collect());
        }
    }
    found
}

/// The arrows on which one comes back to where one began.
fn circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<&str, Vec<&str>> {
    let reachable: BTreeMap<&str, BTreeSet<&str>> = arrows
        .keys()
        .map(|file| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![file]);
            while let Some(file) = open.pop() {
                let new = arrows[file].iter().filter(|target| arrows.contains_key(*target));
                open.extend(new.filter(|target| seen.insert(target.as_str())));
            }
            (file.as_str(), seen)
        })
        .collect();
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (file, targets) in arrows {
        let back = |target: &&String| {
            reachable.get(target.as_str()).is_some_and(|seen| seen.contains(file.as_str()))
        };
        let targets: Vec<&str> = targets.iter().filter(back).map(String::as_str).collect();
        if !targets.is_empty() {
            found.insert(file, targets);
        }
    }
    found
}

#[test]
fn circles_are_found() {
    let arrows = |pairs: &[(&str, &str)]| {
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in pairs {
            arrows.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            arrows.entry((*to).to_owned()).or_default();
        }
        circles(&arrows).into_keys().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(arrows(&[("a", "b"), ("b", "c"), ("a", "c")]).is_empty());
    assert_eq!(arrows(&[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")]), ["b", "c"]);
}

#[test]
fn imports_are_read_from_the_text() {
    let code = bare(
        "use crate::{a::{self, B}, c};\npub use d::E as F;\n// crate::no\nfn f() { super::g::h(\"crate::no::no\") }",
    );
    let (imports, rest) = split_uses(&code);
    let names: Vec<_> =
        imports.iter().map(|import| (import.path.join("::"), import.name.as_str(), import.public)).collect();
    assert_eq!(
        names,
        [
            ("crate::a".to_owned(), "a", false),
            ("crate::a::B".to_owned(), "B", false),
            ("crate::c".to_owned(), "c", false),
            ("d::E".to_owned(), "F", true),
        ]
    );
    assert_eq!(paths(&rest), [["super", "g", "h"]]);
}

#[test]
fn no_two_files_import_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut roots = vec![root.join("src")];
    if let Ok(crates) = fs::read_dir(root.join("crates")) {
        roots.extend(crates.map(|entry| entry.unwrap().path().join("src")));
    }
    let mut wrong = Vec::new();
    for root in roots {
        let (this, code) = Crate::read(&root);
        let arrows = this.arrows(&code);
        assert!(
            arrows.values().any(|targets| !targets.is_empty()),
            "{}: no imports were found",
            root.display()
        );
        for (file, targets) in circles(&arrows) {
            wrong.push(format!("{file} imports {}", targets.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "these files import each other in a loop:\n{}", wrong.join("\n"));
}
