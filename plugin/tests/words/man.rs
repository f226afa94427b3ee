//! The man pages that `make man` writes.

use std::path::Path;

use crate::commands::all;

#[test]
fn every_command_has_a_man_page_with_its_flags_and_examples() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man");
    std::fs::create_dir_all(&folder).unwrap();
    clap_mangen::generate_to(kubectl_daap::command(), &folder).unwrap();
    for found in all() {
        let name = found.line().replace(' ', "-");
        let page = std::fs::read_to_string(folder.join(format!("{name}.1")));
        let page = page.unwrap_or_else(|error| panic!("{name}: {error}"));
        // Hyphens are written as such, and not as minus signs.
        let page = page.replace("\\-", "-");
        assert!(page.contains(&format!("\n{name} -")), "{name}: {page}");
        for flag in found.command.get_arguments() {
            let long = flag.get_long().filter(|_| !flag.is_hide_set());
            let shown = long.is_none_or(|long| page.contains(&format!("--{long}")));
            assert!(shown, "{name}: {flag}");
        }
        let examples = found.command.get_after_help().map(ToString::to_string);
        let examples = examples.unwrap_or_default().contains("Examples:");
        assert_eq!(page.contains("Examples:"), examples, "{name}");
    }
}
