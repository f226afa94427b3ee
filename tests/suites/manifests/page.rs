//! Pages of docs/ that tests make.

use std::path::Path;

/// Holds the page to what was made, or writes it where `DAAP_WRITE_DOCS` is set.
pub(crate) fn hold(name: &str, written: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name);
    if std::env::var_os("DAAP_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(page.parent().unwrap()).unwrap();
        std::fs::write(&page, written).unwrap();
    }
    let found = std::fs::read_to_string(&page).unwrap_or_default();
    let differs = { written.lines().zip(found.lines()) }.find(|(made, found)| made != found);
    assert!(
        found == written,
        "docs/{name} is not current: DAAP_WRITE_DOCS=1 cargo test -p daap-tests --test manifests; \
         first it differs here: {differs:#?}"
    );
}
