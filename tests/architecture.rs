//! The house: each floor imports only from the floors under it, side effects
//! have one place, and so has `unsafe`.
//!
//! Sources are read as text. Comments and test modules do not count.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The most lines that a file has.
const MAX_LINES: usize = 600;

/// The floor of what is built on the trait alone; its rooms may share.
const TOOLKIT: u32 = 8;

/// The floor of a module of the crate's root.
fn floor(module: &str) -> u32 {
    match module {
        "types" => 0,
        "error" => 1,
        "store" => 2,
        "env" => 3,
        "format" => 4,
        "log" => 5,
        "index" => 6,
        "memory" | "disk" => 7,
        "bin" => 9,
        // It may import everything, and nobody may import it.
        "testing" => 10,
        _ => TOOLKIT,
    }
}

struct Source {
    /// From `src` on, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The names from the crate's root down to this module.
    fn module(&self) -> Vec<&str> {
        let path = self.path.trim_end_matches(".rs");
        let path = path.strip_suffix("/mod").unwrap_or(path);
        path.split('/').collect()
    }

    fn top(&self) -> &str {
        self.module()[0]
    }

    /// What counts: no comments, no test module.
    fn code(&self) -> String {
        let is_tests = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        let code = if is_tests { "" } else { self.text.as_str() };
        let code = code
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let lines = code.lines();
        let kept: Vec<_> = lines.map(|line| line.split("//").next().unwrap()).collect();
        kept.join("\n")
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    let source = |path: PathBuf| {
        let below = path.strip_prefix(&root).unwrap().components();
        let names: Vec<_> = below
            .map(|part| part.as_os_str().to_str().unwrap().to_owned())
            .collect();
        Source {
            path: names.join("/"),
            text: fs::read_to_string(&path).unwrap(),
        }
    };
    let sources: Vec<_> = found.into_iter().map(source).collect();
    assert!(sources.len() > 20, "the sources are found");
    sources
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|own| own == "rs") {
            found.push(path);
        }
    }
}

/// The names that come right after `prefix`, which ends in `::`; those of a
/// group in braces each.
fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (start, _) in code.match_indices(prefix) {
        let before = code[..start].chars().next_back();
        if before.is_some_and(|own| own.is_alphanumeric() || "_$:".contains(own)) {
            continue;
        }
        let rest = &code[start + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(heads_of_group(group)),
            None => names.push(leading_name(rest)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The first name of each path of a group, up to its closing brace.
fn heads_of_group(group: &str) -> Vec<String> {
    let mut heads = vec![String::new()];
    let mut depth = 0;
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(String::new()),
            _ if depth == 0 => heads.last_mut().unwrap().push(character),
            _ => {}
        }
    }
    heads.iter().map(|head| leading_name(head.trim())).collect()
}

fn leading_name(text: &str) -> String {
    let is_of_name = |own: &char| own.is_alphanumeric() || *own == '_';
    text.chars().take_while(is_of_name).collect()
}

/// The modules behind the names that the crate's root gives out again.
fn given_out_by_the_root(root: &str) -> HashMap<String, String> {
    let mut behind = HashMap::new();
    for statement in root.split(';') {
        let Some((_, path)) = statement.split_once("pub use ") else {
            continue;
        };
        let Some((module, items)) = path.split_once("::") else {
            continue;
        };
        let items = items.trim().trim_start_matches('{');
        for name in heads_of_group(items) {
            behind.insert(name, module.trim().to_owned());
        }
    }
    behind
}

/// The modules of the root that a source imports from.
fn imports(source: &Source, given_out: &HashMap<String, String>) -> Vec<String> {
    let code = source.code();
    let up_to_the_root = "super::".repeat(source.module().len());
    let mut names = names_after(&code, "crate::");
    names.extend(names_after(&code, &up_to_the_root));
    let module = |name: String| given_out.get(&name).cloned().unwrap_or(name);
    names.into_iter().map(module).collect()
}

#[test]
fn each_floor_imports_only_from_the_floors_under_it() {
    let sources = sources();
    let root = sources.iter().find(|own| own.path == "lib.rs").unwrap();
    let given_out = given_out_by_the_root(&root.code());
    for source in &sources {
        let own = source.top();
        if matches!(own, "lib" | "bin") {
            continue;
        }
        for import in imports(source, &given_out) {
            let same_room = import == own;
            let shared = floor(own) == TOOLKIT && floor(&import) == TOOLKIT;
            assert!(
                same_room || shared || floor(&import) < floor(own),
                "{} (floor {}) imports from {import} (floor {})",
                source.path,
                floor(own),
                floor(&import),
            );
        }
    }
}

#[test]
fn the_toolkit_knows_no_backend() {
    let sources = sources();
    let root = sources.iter().find(|own| own.path == "lib.rs").unwrap();
    let given_out = given_out_by_the_root(&root.code());
    let toolkit = |own: &&Source| own.top() != "lib" && floor(own.top()) == TOOLKIT;
    for source in sources.iter().filter(toolkit) {
        for module in imports(source, &given_out) {
            let backend = ["log", "index", "memory", "disk"].contains(&&*module);
            assert!(!backend, "{} imports {module}", source.path);
        }
    }
}

#[test]
fn side_effects_have_one_place() {
    for source in sources() {
        let top = source.top();
        if matches!(top, "env" | "bin" | "testing") {
            continue;
        }
        let code = source.code();
        let outside = names_after(&code, "std::");
        let mut forbidden = vec!["fs", "net", "process", "env"];
        if floor(top) != TOOLKIT {
            forbidden.push("thread");
        }
        for name in forbidden {
            let used = outside.iter().any(|own| own == name);
            assert!(!used, "{} uses std::{name}", source.path);
        }
        for call in ["SystemTime::now", "Instant::now", ".elapsed()"] {
            assert!(!code.contains(call), "{} calls {call}", source.path);
        }
        for call in ["Uuid::now_v7", "Uuid::new_v4"] {
            let allowed = source.path == "types/event.rs";
            assert!(
                allowed || !code.contains(call),
                "{} calls {call}",
                source.path
            );
        }
    }
}

#[test]
fn unsafe_has_one_place() {
    let is_of_name = |own: char| own.is_alphanumeric() || own == '_';
    for source in sources() {
        let code = source.code();
        let mut words = code.split(|own| !is_of_name(own));
        let uses = words.any(|word| word == "unsafe");
        assert!(
            !uses || source.path == "env/map.rs",
            "{} is unsafe",
            source.path
        );
    }
}

#[test]
fn files_can_be_held_in_the_head() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", source.path);
    }
}

#[test]
fn imports_are_recognised_in_every_form() {
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let given_out =
        given_out_by_the_root("mod a;\npub use error::{Error, Result};\npub use store::Query;");
    let imported = |path, text| imports(&source(path, text), &given_out);
    assert_eq!(imported("log/a.rs", "use crate::disk::X;"), ["disk"]);
    assert_eq!(imported("log/a.rs", "fn f() -> crate::Query {}"), ["store"]);
    let group = "use crate::{\n    disk::{A, env::B},\n    Error,\n    types,\n};";
    assert_eq!(imported("log/a.rs", group), ["disk", "error", "types"]);
    assert_eq!(imported("log/a.rs", "use super::super::disk;"), ["disk"]);
    assert_eq!(
        imported("log/mod.rs", "use super::{disk, env::X};"),
        ["disk", "env"]
    );
    assert_eq!(imported("error.rs", "use super::store::X;"), ["store"]);
    assert!(imported("log/a.rs", "use super::tail;").is_empty());
    assert!(imported("log/a.rs", "// crate::disk\n/// `crate::disk`").is_empty());
    let tests = "#[cfg(test)]\nmod tests {\n    use crate::disk;\n}";
    assert!(imported("log/a.rs", tests).is_empty());
    assert!(imported("log/tests.rs", "use crate::disk;").is_empty());
}
