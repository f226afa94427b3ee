//! Volumes that cannot grow.

use serde_json::{Value, json};

use crate::{
    life::{ROWS, TABLE},
    place::{Place, run},
    steps::NAME,
};

#[tokio::test]
async fn storage_does_not_grow_on_a_class_that_does_not_expand() {
    let place = Place::of("storage").await;
    let class = Class::that_does_not_expand(&place);
    let created = place.create(&["--storage-class", &class.name]);
    place.sql(TABLE);
    let said = place.fails(&["update", NAME, "--storage", "1Ti"]);
    assert!(said.contains(&class.name), "{said}");
    let after = place.json(&["get", NAME]);
    assert_eq!(after["spec"]["storage"], created["spec"]["storage"]);
    assert_eq!(after["record"]["version"], 1);
    place.delete();
    place.restore(&[]);
    assert_eq!(place.sql(ROWS), "a book, a lamp");
}

/// A storage class, removed at the end if it was made for this.
struct Class<'a> {
    name: String,
    made_in: Option<&'a Place>,
}

impl<'a> Class<'a> {
    /// One that is there, else a copy of the default one.
    fn that_does_not_expand(place: &'a Place) -> Self {
        let classes: Value =
            serde_json::from_str(&place.kubectl(&["get", "storageclasses", "-o", "json"])).unwrap();
        let classes = classes["items"].as_array().cloned().unwrap_or_default();
        let default = "storageclass.kubernetes.io/is-default-class";
        let is_default = |class: &&Value| class["metadata"]["annotations"][default] == "true";
        let default = classes
            .iter()
            .find(is_default)
            .expect("there is a default storage class");
        let fixed = |class: &&Value| {
            class["allowVolumeExpansion"] != true && class["provisioner"] == default["provisioner"]
        };
        // The default itself, so that nothing is tried that others do not use.
        if let Some(class) = [default].into_iter().chain(&classes).find(fixed) {
            let name = class["metadata"]["name"].as_str().unwrap().to_owned();
            return Self {
                name,
                made_in: None,
            };
        }
        let mut copy = default.clone();
        copy["metadata"] = json!({ "name": place.namespace });
        copy["allowVolumeExpansion"] = false.into();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, copy.to_string()).unwrap();
        place.says(&format!(
            "$ kubectl create storageclass {}",
            place.namespace
        ));
        place.kubectl(&["create", "-f", file.path().to_str().unwrap()]);
        Self {
            name: place.namespace.clone(),
            made_in: Some(place),
        }
    }
}

impl Drop for Class<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.made_in {
            run(place
                .ground
                .kubectl()
                .args(["delete", "storageclass", &self.name]));
        }
    }
}
