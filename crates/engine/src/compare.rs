//! When two values of a column are the same.

use crate::document::same_policy;
use crate::kind::{Column, Null, Type};
use crate::row::Row;
use crate::value::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Whether the two values of the column mean the same in the cloud.
pub fn same(column: &Column, a: &Value, b: &Value) -> bool {
    if a == b {
        return true;
    }
    match (column.ty, a, b) {
        (Type::Set, Value::List(a), Value::List(b)) => {
            let a: BTreeSet<&String> = a.iter().collect();
            let b: BTreeSet<&String> = b.iter().collect();
            a == b
        }
        (Type::Policy, Value::Json(a), Value::Json(b)) => same_policy(&a.to_json(), &b.to_json()),
        (Type::Cidr, Value::Text(a), Value::Text(b)) => match (block(a), block(b)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
        (Type::Parts(_), a, b) => same_parts(parts(a), parts(b)),
        _ => false,
    }
}

/// Whether the value leaves the choice to AWS: NULL, or no parts at all.
pub fn leaves_the_choice(column: &Column, value: &Value) -> bool {
    column.null == Null::Chosen
        && (value.is_null() || matches!(value, Value::Parts(rows) if rows.is_empty()))
}

fn parts(value: &Value) -> &[Row] {
    match value {
        Value::Parts(rows) => rows,
        _ => &[],
    }
}

fn same_parts(a: &[Row], b: &[Row]) -> bool {
    a.len() == b.len()
        && a.iter()
            .all(|part| b.iter().any(|other| same_part(part, other)))
        && b.iter()
            .all(|part| a.iter().any(|other| same_part(part, other)))
}

fn same_part(a: &Row, b: &Row) -> bool {
    let columns = a.kind().columns.iter().enumerate();
    columns.into_iter().all(|(position, column)| {
        let (a, b) = (a.at(position), b.at(position));
        leaves_the_choice(column, a) || leaves_the_choice(column, b) || same(column, a, b)
    })
}

/// The address and the length of a CIDR block; a bare address is a block of one.
pub(crate) fn block(text: &str) -> Option<(IpAddr, u8)> {
    match text.split_once('/') {
        Some((address, length)) => Some((address.parse().ok()?, length.parse().ok()?)),
        None => {
            let address: IpAddr = text.parse().ok()?;
            Some((address, if address.is_ipv4() { 32 } else { 128 }))
        }
    }
}

/// Whether two CIDR blocks have an address in common.
pub(crate) fn overlap(a: &str, b: &str) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 4),
        IpAddr::V6(address) => (address.to_bits(), 6),
    };
    let (Some((a, length)), Some((b, other_length))) = (block(a), block(b)) else {
        return false;
    };
    let ((a, version), (b, other_version)) = (bits(a), bits(b));
    let common = u32::from(length.min(other_length));
    version == other_version && (a ^ b).leading_zeros() >= common
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{Kind, PartOf, Scope, cidr, int, parts as parts_column, set, text};

    #[test]
    fn sets_have_no_order() {
        let list =
            |values: &[&str]| Value::List(values.iter().map(|value| (*value).to_owned()).collect());
        let column = set("subnets");
        assert!(same(&column, &list(&["a", "b"]), &list(&["b", "a"])));
        assert!(!same(&column, &list(&["a"]), &list(&["b"])));
    }

    #[test]
    fn blocks_compare_by_address() {
        let column = cidr("cidr_ipv6");
        assert!(same(
            &column,
            &"2001:db8:0:0::/64".into(),
            &"2001:db8::/64".into()
        ));
        assert!(!same(&column, &"10.0.0.0/8".into(), &"10.0.0.0/9".into()));
    }

    #[test]
    fn blocks_overlap_where_one_holds_the_other() {
        assert!(overlap("10.0.0.0/24", "10.0.0.128/25"));
        assert!(overlap("10.0.0.128/25", "10.0.0.0/24"));
        assert!(overlap("0.0.0.0/0", "10.0.0.0/8"));
        assert!(!overlap("10.0.0.0/25", "10.0.0.128/25"));
        assert!(!overlap("::/0", "0.0.0.0/0"));
        assert!(overlap("2001:db8::/56", "2001:db8:0:1::/64"));
    }

    #[test]
    fn parts_have_no_order_and_unset_choices_do_not_count() {
        static CONTAINER: Kind = Kind::part(
            "container",
            Scope::Regional,
            PartOf {
                table: "task",
                column: "containers",
                on: &[],
            },
            &[text("name").key(), int("cpu").chosen_when_null()],
        );
        let part =
            |name: &str, cpu: Option<i32>| Row::new(&CONTAINER).with("name", name).with("cpu", cpu);
        let column = parts_column("containers", &CONTAINER);
        let wanted = Value::from(vec![part("a", None), part("b", Some(1))]);
        let read = Value::from(vec![part("b", Some(1)), part("a", Some(0))]);
        assert!(same(&column, &wanted, &read));
        let other = Value::from(vec![part("b", Some(2)), part("a", Some(0))]);
        assert!(!same(&column, &wanted, &other));
    }
}
