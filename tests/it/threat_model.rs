//! docs/threat-model.md: each threat has a test that exists, or is open.

use std::path::Path;

const PAGE: &str = include_str!("../../docs/threat-model.md");

/// A row of one of the tables of threats.
struct Threat {
    id: String,
    mitigation: String,
    tests: String,
}

fn threats(page: &str) -> Vec<Threat> {
    let rows = page.split_once("## Threats").expect("there is a section of threats").1;
    rows.lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ID ") && !line.starts_with("| --- "))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [id, _threat, mitigation, tests] = cells[..] else {
                panic!("a threat has four cells: {line}");
            };
            Threat {
                id: id.into(),
                mitigation: mitigation.into(),
                tests: tests.into(),
            }
        })
        .collect()
}

/// The texts in backticks that are paths of tests.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|code| code.contains("::"))
}

/// What is wrong with the threat.
fn faults(threat: &Threat) -> Vec<String> {
    let id = &threat.id;
    let mut faults: Vec<String> = named(&threat.tests)
        .chain(named(&threat.mitigation))
        .filter(|test| !exists(test))
        .map(|test| format!("{id}: there is no test {test}"))
        .collect();
    let is_answered = threat.mitigation.contains("**Open**") || threat.mitigation.contains("](decisions/");
    if named(&threat.tests).next().is_none() && !is_answered {
        faults.push(format!("{id}: it names no test, and is not open"));
    }
    faults
}

/// `it::` is this binary; everything else is a module of the library, without its inner module `tests`.
fn exists(test: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (folder, path) = match test.strip_prefix("it::") {
        Some(path) => (root.join("tests/it"), path),
        None => (root.join("src"), test),
    };
    let Some((module, name)) = path.rsplit_once("::") else {
        return false;
    };
    let file = module.replace("::", "/");
    [format!("{file}.rs"), format!("{file}/mod.rs")]
        .iter()
        .filter_map(|file| std::fs::read_to_string(folder.join(file)).ok())
        .any(|source| is_test(&source, name))
}

/// Whether the function has an attribute of a test.
fn is_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_function = |line: &str| {
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        function.is_some_and(|rest| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with(['(', '<'])))
    };
    let Some(at) = lines.iter().position(|line| is_function(line)) else {
        return false;
    };
    lines[..at]
        .iter()
        .rev()
        .take_while(|line| line.starts_with('#') || line.starts_with("//"))
        .any(|line| {
            ["#[test]", "#[tokio::test", "#[rstest]"]
                .iter()
                .any(|attribute| line.starts_with(attribute))
        })
}

#[test]
fn each_threat_has_a_test_that_exists_or_is_open() {
    let threats = threats(PAGE);
    let faults: Vec<String> = threats.iter().flat_map(faults).collect();
    assert_eq!(faults, Vec::<String>::new());
    for number in 1..=24 {
        let id = format!("S{number}");
        assert!(threats.iter().any(|threat| threat.id == id), "{id} is missing");
    }
    let mut ids: Vec<&String> = threats.iter().map(|threat| &threat.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), threats.len(), "each ID is used once");
}

#[test]
fn a_threat_without_a_test_is_found() {
    let of = |row: &str| -> Vec<String> { threats(&format!("## Threats\n{row}\n")).iter().flat_map(faults).collect() };
    let this = "it::threat_model::a_threat_without_a_test_is_found";
    assert_eq!(of(&format!("| T-1 | a | b | `{this}` |")), [""; 0]);
    assert_eq!(of("| T-1 | a | **Open** | |"), [""; 0]);
    assert_eq!(of("| T-1 | a | b | |"), ["T-1: it names no test, and is not open"]);
    let renamed = of("| T-1 | a | b | `it::threat_model::renamed` |");
    assert_eq!(renamed, ["T-1: there is no test it::threat_model::renamed"]);
    let helper = of("| T-1 | a | **Open**: `it::threat_model::exists` | |");
    assert_eq!(helper, ["T-1: there is no test it::threat_model::exists"]);
}
