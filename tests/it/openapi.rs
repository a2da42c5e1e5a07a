//! `openapi.yaml` is what the code says.

use std::path::Path;

#[test]
fn the_committed_document_is_the_generated_one() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.yaml");
    let committed = std::fs::read_to_string(committed).unwrap_or_default();
    let generated = erp_bridge::http::document();
    let differs = committed.lines().zip(generated.lines()).position(|(old, new)| old != new);
    assert!(
        committed == generated,
        "openapi.yaml differs from the code from line {} on; adopt the change with\n\n    cargo run -- openapi > openapi.yaml\n",
        differs.unwrap_or_else(|| committed.lines().count().min(generated.lines().count())) + 1,
    );
}

#[test]
fn every_operation_has_a_name_of_its_own_and_every_response_a_description() {
    let document: serde_json::Value = yaml_serde::from_str(&erp_bridge::http::document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} is there twice");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let shared = response["$ref"].as_str().and_then(|name| name.strip_prefix('#'));
                let response = shared.map_or(response, |pointer| document.pointer(pointer).unwrap());
                assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{name} {status}");
                let problem = response["content"].get("application/problem+json").is_some();
                let refusal = status.as_str() >= "400" && name != "readyz";
                assert_eq!(problem, refusal, "{name} {status}");
            }
        }
    }
    assert!(names.len() >= 23, "{names:?}");
}

#[test]
fn every_reference_leads_somewhere() {
    let document: serde_json::Value = yaml_serde::from_str(&erp_bridge::http::document()).unwrap();
    let mut open = vec![&document];
    let mut references = 0;
    while let Some(value) = open.pop() {
        if let Some(reference) = value.get("$ref").and_then(|reference| reference.as_str()) {
            references += 1;
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
        open.extend(value.as_object().into_iter().flat_map(|members| members.values()));
        open.extend(value.as_array().into_iter().flatten());
    }
    assert!(references > 100, "{references}");
}
