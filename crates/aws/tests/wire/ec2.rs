//! The XML of EC2's lists.

/// A page of a list: the items, and the token of the next page.
pub fn page(set: &str, items: &[String], token: Option<&str>) -> String {
    let items: String = items
        .iter()
        .map(|item| format!("<item>{item}</item>"))
        .collect();
    let token = token.map(|token| format!("<nextToken>{token}</nextToken>"));
    format!("<{set}>{items}</{set}>{}", token.unwrap_or_default())
}

/// The tags of an item.
pub fn tag_set(tags: &[(&str, &str)]) -> String {
    let tags: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("<key>{key}</key><value>{value}</value>"))
        .collect();
    page("tagSet", &tags, None)
}
