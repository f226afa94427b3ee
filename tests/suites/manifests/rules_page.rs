//! docs/rules.md is made from the rules themselves: `DAAP_WRITE_DOCS=1 cargo test -p daap-tests
//! --test manifests rules_page` writes it anew.

use std::fmt::Write as _;

use daap_crds::violation::Rule;

/// Where the rules are told in words.
const SOURCE: &str = include_str!("../../../crds/src/violation.rs");

/// The documentation of a variant: the lines above it.
fn meaning(rule: Rule) -> String {
    let variant = format!("    {rule:?},");
    let lines: Vec<&str> = SOURCE.lines().collect();
    let at = lines.iter().position(|line| *line == variant).unwrap();
    let mut words: Vec<&str> = lines[..at]
        .iter()
        .rev()
        .map_while(|line| line.trim().strip_prefix("/// "))
        .collect();
    words.reverse();
    assert!(!words.is_empty(), "{rule}: no documentation");
    words.join(" ")
}

/// The `ValidatingAdmissionPolicies` that name the rule in a denial.
fn stand_ins(rule: Rule) -> String {
    let folder = crate::ground::manifests().join("base/admission-policies");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let policy = path.file_stem()?.to_str()?;
            text.contains(&format!("[{rule}]"))
                .then(|| format!("`daap-{policy}`"))
        })
        .collect();
    found.sort();
    found.join(", ")
}

fn written() -> String {
    let mut text = String::from(
        "# Rules of admission\n\n\
         Made from `crds/src/violation.rs` and `manifests/base/admission-policies` by a test\n\
         (`tests/suites/manifests/rules_page.rs`).\n\n\
         A denial names, for each violation, the field, what was given and what is allowed, the rule in\n\
         brackets, and what to do next. *Invalid* (422) is what nobody may write; *forbidden* (403) depends\n\
         on who writes, or on what is there. Metrics count denials by the same names\n\
         (`daap_webhook_denials_total{rule}`). The last column names the ValidatingAdmissionPolicy that holds\n\
         (the core of) the rule while the webhook is away; it is asked first, and says what the webhook\n\
         would say.\n\n\
         | rule | what it holds | answer | while the webhook is away |\n|---|---|---|---|\n",
    );
    for rule in Rule::ALL {
        let code = if rule.is_invalid() { "422" } else { "403" };
        let meaning = meaning(rule);
        writeln!(
            text,
            "| `{rule}` | {meaning} | {code} | {} |",
            stand_ins(rule)
        )
        .unwrap();
    }
    text.push_str(
        "\nTwo rules are the API server's alone, with or without the webhook:\n\n\
         - `managed-only` (`daap-managed-only`): in a namespace with the label\n  \
         `daap.dev/managed-only: \"true\"` every new Cluster and Pooler is a database of daap's.\n\
         - the status of a database (`daap-status`, told as `ownership`) is written by the operator, by the\n  \
         accounts of its own instances and Pooler, and by its owner: setting `targetPrimary` there is a\n  \
         switchover.\n",
    );
    text
}

#[test]
fn the_page_of_rules_is_current() {
    crate::page::hold("rules.md", &written());
}
