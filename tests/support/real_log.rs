//! The real logs that stand beside the checkout.

use std::path::{Path, PathBuf};

/// The log with this name, or nothing, and a word about it, where it isn't
/// there.
pub(crate) fn log(name: &str) -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = data.join(format!("{name}.jsonl.gz"));
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}
