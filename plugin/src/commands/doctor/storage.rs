//! Where volumes come from.

use daap_crds::object::View;
use serde_json::Value;

use super::finding::Finding;
use crate::kubernetes::{Kind, Kubernetes};

const CHECK: &str = "storage-classes";
const IS_DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";

pub(super) async fn check(k8s: &Kubernetes) -> Vec<Finding> {
    match k8s.list(Kind::StorageClass, "").await {
        Ok(found) => vec![judge(&found)],
        Err(failure) => vec![Finding::of_failure(CHECK, &failure)],
    }
}

fn judge(classes: &[Value]) -> Finding {
    let is_default = |class: &&Value| View(class).annotation(IS_DEFAULT) == Some("true");
    let grows = |class: &Value| View(class).at("/allowVolumeExpansion") == Some(&true.into());
    let name = |class: &Value| View(class).name().to_owned();
    let defaults: Vec<&Value> = classes.iter().filter(is_default).collect();
    match defaults.as_slice() {
        [] if classes.is_empty() => Finding::failed(
            CHECK,
            "there is no StorageClass: no volume is ever made, unless by hand",
            "install a provisioner of volumes",
        ),
        [] => Finding::warning(
            CHECK,
            "no StorageClass is the default one: a database that names none gets no volume",
            format!(
                "mark one with the annotation {IS_DEFAULT}=true, or create with --storage-class"
            ),
        ),
        [one] if grows(one) => Finding::passed(
            CHECK,
            format!("{} is the default one, and its volumes can grow", name(one)),
        ),
        [one] => Finding::warning(
            CHECK,
            format!(
                "volumes of the default one, {}, cannot grow: `update --storage` is refused there",
                name(one)
            ),
            "make databases large enough, or choose a class with allowVolumeExpansion",
        ),
        several => {
            let names: Vec<String> = several.iter().map(|class| name(class)).collect();
            Finding::warning(
                CHECK,
                format!("several are the default one: {}", names.join(", ")),
                format!("leave the annotation {IS_DEFAULT}=true on one of them"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;

    #[test]
    fn one_default_that_grows() {
        let class = |name: &str, default: bool, grows: bool| {
            json!({
                "metadata": {"name": name, "annotations": {IS_DEFAULT: default.to_string()}},
                "allowVolumeExpansion": grows,
            })
        };
        let outcome = |classes: &[Value]| judge(classes).outcome;
        assert_eq!(outcome(&[]), Outcome::Failed);
        assert_eq!(outcome(&[class("a", false, true)]), Outcome::Warning);
        assert_eq!(outcome(&[class("a", true, true)]), Outcome::Passed);
        assert_eq!(outcome(&[class("a", true, false)]), Outcome::Warning);
        let two = [class("a", true, true), class("b", true, true)];
        assert_eq!(outcome(&two), Outcome::Warning);
    }
}
