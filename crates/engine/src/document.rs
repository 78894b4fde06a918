//! JSON documents: kept as text, and policies compared by what they mean.

use arcstr::ArcStr;
use serde_json::{Map, Value as Json};

/// A JSON document. It is kept as text with the keys in order, which takes a fraction of a tree's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document(ArcStr);

impl Document {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document as a tree.
    pub fn to_json(&self) -> Json {
        // Fails for nothing that a tree was written as.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl From<&Json> for Document {
    fn from(tree: &Json) -> Self {
        Document(tree.to_string().into())
    }
}

/// Whether two policy documents mean the same: key order, a list of one against its only element, the order inside
/// sets, an account id against its root ARN, and `true` against `"true"` in conditions make no difference.
pub fn same_policy(a: &Json, b: &Json) -> bool {
    a == b || canonical(a) == canonical(b)
}

/// The document in the one form that all documents of its meaning share.
fn canonical(document: &Json) -> Json {
    let Json::Object(fields) = document else {
        return document.clone();
    };
    let fields = fields.iter().map(|(key, value)| {
        let value = match key.as_str() {
            "Statement" => Json::Array(listed(value).iter().map(statement).collect()),
            _ => value.clone(),
        };
        (key.clone(), value)
    });
    Json::Object(fields.collect())
}

fn statement(statement: &Json) -> Json {
    let Json::Object(fields) = statement else {
        return statement.clone();
    };
    let fields = fields.iter().map(|(key, value)| {
        let value = match key.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => set(value, Json::clone),
            "Principal" | "NotPrincipal" => principals(value),
            "Condition" => conditions(value),
            _ => value.clone(),
        };
        (key.clone(), value)
    });
    Json::Object(fields.collect())
}

fn principals(value: &Json) -> Json {
    match value {
        Json::Object(kinds) => mapped(kinds, |kind, value| match kind {
            "AWS" => set(value, root_arn),
            _ => set(value, Json::clone),
        }),
        other => mapped(
            &Map::from_iter([("AWS".to_owned(), other.clone())]),
            |_, value| set(value, root_arn),
        ),
    }
}

fn conditions(value: &Json) -> Json {
    let Json::Object(operators) = value else {
        return value.clone();
    };
    mapped(operators, |_, keys| match keys {
        Json::Object(keys) => mapped(keys, |_, values| set(values, as_text)),
        other => other.clone(),
    })
}

fn mapped(fields: &Map<String, Json>, change: impl Fn(&str, &Json) -> Json) -> Json {
    let fields = fields
        .iter()
        .map(|(key, value)| (key.clone(), change(key, value)));
    Json::Object(fields.collect())
}

/// A set as a sorted list without doubles.
fn set(value: &Json, element: impl Fn(&Json) -> Json) -> Json {
    let mut elements: Vec<Json> = listed(value).iter().map(element).collect();
    elements.sort_by_cached_key(Json::to_string);
    elements.dedup();
    Json::Array(elements)
}

fn listed(value: &Json) -> &[Json] {
    match value {
        Json::Array(elements) => elements,
        single => std::slice::from_ref(single),
    }
}

fn root_arn(principal: &Json) -> Json {
    match principal.as_str() {
        Some(id) if id.len() == 12 && id.bytes().all(|digit| digit.is_ascii_digit()) => {
            Json::String(format!("arn:aws:iam::{id}:root"))
        }
        _ => principal.clone(),
    }
}

fn as_text(value: &Json) -> Json {
    match value {
        Json::Bool(_) | Json::Number(_) => Json::String(value.to_string()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(statement: Json) -> Json {
        json!({"Version": "2012-10-17", "Statement": statement})
    }

    #[test]
    fn a_list_of_one_is_its_element() {
        let one = policy(json!({"Effect": "Allow", "Action": "s3:Get", "Principal": {"AWS": "*"}}));
        let list =
            policy(json!([{"Action": ["s3:Get"], "Effect": "Allow", "Principal": {"AWS": ["*"]}}]));
        assert!(same_policy(&one, &list));
    }

    #[test]
    fn sets_have_no_order_and_statements_have_one() {
        let action = |actions: Json| json!({"Effect": "Allow", "Action": actions});
        let ab = policy(json!([action(json!(["a", "b"]))]));
        let ba = policy(json!([action(json!(["b", "a", "b"]))]));
        assert!(same_policy(&ab, &ba));
        let a_then_b = policy(json!([action(json!("a")), action(json!("b"))]));
        let b_then_a = policy(json!([action(json!("b")), action(json!("a"))]));
        assert!(!same_policy(&a_then_b, &b_then_a));
    }

    #[test]
    fn an_account_is_its_root() {
        let account = policy(json!({"Effect": "Allow", "Principal": {"AWS": "123456789012"}}));
        let root = policy(
            json!({"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}}),
        );
        assert!(same_policy(&account, &root));
    }

    #[test]
    fn conditions_compare_as_text() {
        let condition = |value: Json| {
            policy(json!({"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": value}}}))
        };
        assert!(same_policy(
            &condition(json!(false)),
            &condition(json!(["false"]))
        ));
        assert!(!same_policy(
            &condition(json!(false)),
            &condition(json!("true"))
        ));
    }

    #[test]
    fn another_effect_is_another_policy() {
        assert!(!same_policy(
            &policy(json!({"Effect": "Allow", "Action": "*"})),
            &policy(json!({"Effect": "Deny", "Action": "*"}))
        ));
    }
}
