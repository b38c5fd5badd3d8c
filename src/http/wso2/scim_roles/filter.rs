//! Filters of roles: comparisons of the name and the audience that all hold.

use model::role::name_key;
use scim::{
    Error, Filter,
    filter::{Literal, Operator},
};

use super::{super::call::Call, audience, schema::SCHEMA};
use crate::app::roles::{RoleFilter, VisibleRole};

/// What roles can be filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attribute {
    DisplayName,
    AudienceValue,
    AudienceType,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    attribute: Attribute,
    operator: Operator,
    value: String,
}

/// What all holds of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Conditions(Vec<Condition>);

impl Conditions {
    /// Reads a filter. WSO2 knows only some.
    pub(super) fn read(filter: Option<&Filter>) -> Result<Self, Error> {
        let mut conditions = Vec::new();
        if let Some(filter) = filter {
            collect(filter, &mut conditions)?;
        }
        Ok(Self(conditions))
    }

    /// What the roles are looked up by; `None`: there can be none.
    pub(super) fn to_filter<B>(&self, call: &Call<B>) -> Option<RoleFilter> {
        let equal = |attribute: Attribute| {
            let found = self.0.iter().find(|one| one.attribute == attribute && one.operator == Operator::Eq);
            found.map(|found| found.value.as_str())
        };
        let audience = match equal(Attribute::AudienceValue) {
            Some(text) => Some(audience::bits(call, text)?),
            None => None,
        };
        Some(RoleFilter { name: equal(Attribute::DisplayName).map(str::to_owned), audience })
    }

    /// Whether all hold of a role.
    pub(super) fn match_role<B>(&self, call: &Call<B>, role: &VisibleRole) -> bool {
        self.0.iter().all(|condition| {
            let value = condition.value.as_str();
            let compare = |own: &str, other: &str| compare(own, condition.operator, other);
            match condition.attribute {
                Attribute::DisplayName => compare(&name_key(role.name()), &name_key(value)),
                Attribute::AudienceType => compare(role.audience.kind().as_str(), &value.to_lowercase()),
                Attribute::AudienceValue => match (condition.operator, audience::bits(call, value)) {
                    (Operator::Eq, bits) => bits == Some(role.audience.bits()),
                    (Operator::Ne, Some(bits)) => bits != role.audience.bits(),
                    _ => compare(&audience::id_text(call, role.audience), &value.to_lowercase()),
                },
            }
        })
    }
}

fn compare(own: &str, operator: Operator, other: &str) -> bool {
    match operator {
        Operator::Eq => own == other,
        Operator::Ne => own != other,
        Operator::Co => own.contains(other),
        Operator::Sw => own.starts_with(other),
        Operator::Ew => own.ends_with(other),
        Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le => false,
    }
}

fn collect(filter: &Filter, conditions: &mut Vec<Condition>) -> Result<(), Error> {
    let refused = |text: String| Err(Error::InvalidFilter(text));
    let unknown = |path: &dyn std::fmt::Display| {
        refused(format!("Filtering based on attribute: {path} is not supported."))
    };
    match filter {
        Filter::And(parts) => parts.iter().try_for_each(|part| collect(part, conditions)),
        Filter::Or(_) => refused("Filter operator: or is not supported for role filtering.".to_owned()),
        Filter::Not(_) => refused("Filter operator: not is not supported for role filtering.".to_owned()),
        Filter::Present(_) => refused("Filter operation: pr is not supported for role filtering.".to_owned()),
        Filter::Element { path, .. } => unknown(path),
        Filter::Compare { path, operator, value } => {
            if operator.is_ordering() {
                let name = operator.name();
                return refused(format!("Filter operation: {name} is not supported for role filtering."));
            }
            let is_own = path.schema().is_none_or(|schema| schema.eq_ignore_ascii_case(SCHEMA));
            let name = path.name().to_ascii_lowercase();
            let sub = path.sub().map(str::to_ascii_lowercase);
            let attribute = match (is_own, name.as_str(), sub.as_deref()) {
                (true, "displayname", None) => Attribute::DisplayName,
                (true, "audience", Some("value")) => Attribute::AudienceValue,
                (true, "audience", Some("type")) => Attribute::AudienceType,
                _ => return unknown(path),
            };
            let value = match value {
                Literal::Text(text) => text.clone(),
                // A name may be what elsewhere is a number or a truth value.
                other => other.to_string(),
            };
            conditions.push(Condition { attribute, operator: *operator, value });
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use scim::Quoting;

    use super::*;

    fn read(text: &str) -> Result<Conditions, Error> {
        Conditions::read(Some(&Filter::parse_with(text, Quoting::Optional)?))
    }

    #[test]
    fn a_name_and_an_audience_may_be_asked_for_without_quotes() {
        let text = "displayName eq App Admin and audience.value eq 1b4e28ba-2fa1-11d2-883f-0016d3cca427";
        let all = read(text).unwrap().0;
        let seen: Vec<_> = all.iter().map(|one| (one.attribute, one.value.as_str())).collect();
        assert_eq!(
            seen,
            [
                (Attribute::DisplayName, "App Admin"),
                (Attribute::AudienceValue, "1b4e28ba-2fa1-11d2-883f-0016d3cca427"),
            ]
        );
        let quoted = r#"DisplayName Eq "App Admin" and urn:ietf:params:scim:schemas:extension:2.0:Role:audience.type ne organization"#;
        assert_eq!(read(quoted).unwrap().0.len(), 2);
        assert_eq!(read("displayName eq 2024").unwrap().0[0].value, "2024");
    }

    #[test]
    fn what_wso2_does_not_filter_by_is_refused_in_its_words() {
        for (text, detail) in [
            (
                "displayName eq a or displayName eq b",
                "Filter operator: or is not supported for role filtering.",
            ),
            ("not (displayName eq a)", "Filter operator: not is not supported for role filtering."),
            ("displayName pr", "Filter operation: pr is not supported for role filtering."),
            ("displayName gt a", "Filter operation: gt is not supported for role filtering."),
            ("users eq a", "Filtering based on attribute: users is not supported."),
            ("audience eq a", "Filtering based on attribute: audience is not supported."),
            ("audience[value eq a]", "Filtering based on attribute: audience is not supported."),
            ("permissions.value eq a", "Filtering based on attribute: permissions.value is not supported."),
        ] {
            assert_eq!(read(text), Err(Error::InvalidFilter(detail.to_owned())), "{text}");
        }
    }
}
