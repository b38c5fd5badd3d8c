//! Filters and cursors of the lists of organizations. A filter is comparisons with `and` between them; a value needs no quotes and may
//! have spaces: its words are joined up to the next logical operator.

use base::{id::OrganizationId, time::Timestamp};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::organization::OrganizationStatus;

use super::errors::{
    CURSOR_INVALID, FILTER_ATTRIBUTE, FILTER_COMPLEX, FILTER_INVALID, FILTER_OPERATOR, LIMIT_NEGATIVE,
    TIME_INVALID, invalid, refuse,
};
use crate::{
    app::organizations::subtree::{Condition, Place, TextField, TextOperator, TimeField, TimeOperator},
    http::wso2::{
        call::{Call, uuid},
        error::Wso2Error,
    },
};

type Result<T, E = Wso2Error> = std::result::Result<T, E>;

/// The number of organizations on a page where none is asked for, and at most.
const LIMITS: (i64, i64) = (15, 30);

/// The maximum length of a filter in bytes, and of comparisons in it.
const MAX_FILTER: (usize, usize) = (4096, 20);

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http::wso2) struct Comparison {
    /// What is compared.
    pub attribute: String,
    /// How.
    pub operator: String,
    /// With what.
    pub value: String,
}

/// Reads the comparisons of a filter.
pub(in crate::http::wso2) fn comparisons(text: &str) -> Result<Vec<Comparison>> {
    let malformed = || refuse(&FILTER_INVALID, "");
    if text.len() > MAX_FILTER.0 || text.chars().any(char::is_control) {
        return Err(malformed());
    }
    let mut words = text.split_whitespace().peekable();
    let mut found = Vec::new();
    loop {
        let attribute = words.next().ok_or_else(malformed)?;
        if is_other_logic(attribute) {
            return Err(refuse(&FILTER_COMPLEX, ""));
        }
        let operator = words.next().ok_or_else(malformed)?;
        let mut value: Vec<&str> = Vec::new();
        let mut ended = true;
        for word in words.by_ref() {
            // Within quotes a word is no operator.
            let is_quoted = value.first().is_some_and(|first| {
                first.starts_with('"') && (value.len() > 1 || first.len() == 1 || !first.ends_with('"'))
            }) && !value.last().is_some_and(|last| value.len() > 1 && last.ends_with('"'));
            if !is_quoted && is_other_logic(word) {
                return Err(refuse(&FILTER_COMPLEX, ""));
            }
            if !is_quoted && word.eq_ignore_ascii_case("and") {
                ended = false;
                break;
            }
            value.push(word);
        }
        let value = value.join(" ");
        let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&value);
        if value.is_empty() || found.len() >= MAX_FILTER.1 {
            return Err(malformed());
        }
        found.push(Comparison {
            attribute: attribute.to_owned(),
            operator: operator.to_ascii_lowercase(),
            value: value.to_owned(),
        });
        if ended {
            return Ok(found);
        }
    }
}

fn is_other_logic(word: &str) -> bool {
    word.eq_ignore_ascii_case("or") || word.eq_ignore_ascii_case("not")
}

impl Comparison {
    /// How texts are compared; `None` of another operator.
    pub fn text_operator(&self) -> Option<TextOperator> {
        match self.operator.as_str() {
            "eq" => Some(TextOperator::Equal),
            "co" => Some(TextOperator::Contains),
            "sw" => Some(TextOperator::StartsWith),
            "ew" => Some(TextOperator::EndsWith),
            _ => None,
        }
    }

    fn time_operator(&self) -> Option<TimeOperator> {
        match self.operator.as_str() {
            "eq" => Some(TimeOperator::Equal),
            "ge" => Some(TimeOperator::AtLeast),
            "le" => Some(TimeOperator::AtMost),
            "gt" => Some(TimeOperator::After),
            "lt" => Some(TimeOperator::Before),
            _ => None,
        }
    }

    /// Whether the operator is one at all; else the filter is malformed.
    fn require_operator(&self) -> Result<()> {
        match self.text_operator().is_some() || self.time_operator().is_some() {
            true => Ok(()),
            false => Err(refuse(&FILTER_INVALID, "")),
        }
    }
}

impl<B> Call<B> {
    /// What a list is filtered by.
    pub(super) async fn conditions(&self, filter: &str) -> Result<Vec<Condition>> {
        let mut conditions = Vec::new();
        for comparison in comparisons(filter)? {
            conditions.push(self.condition(comparison).await?);
        }
        Ok(conditions)
    }

    async fn condition(&self, comparison: Comparison) -> Result<Condition> {
        comparison.require_operator()?;
        let mismatch = || refuse(&FILTER_OPERATOR, &comparison.attribute);
        let text = |field: TextField| {
            let operator = comparison.text_operator().ok_or_else(mismatch)?;
            Ok(Condition::Text(field, operator, comparison.value.clone()))
        };
        let time = |field: TimeField| {
            let operator = comparison.time_operator().ok_or_else(mismatch)?;
            let at = Timestamp::parse_rfc3339(&comparison.value);
            Ok(Condition::Time(field, operator, at.ok_or_else(|| refuse(&TIME_INVALID, &comparison.value))?))
        };
        let is_equal = || match comparison.operator.as_str() {
            "eq" => Ok(()),
            _ => Err(mismatch()),
        };
        match comparison.attribute.as_str() {
            "name" => text(TextField::Name),
            "orgHandle" => text(TextField::Handle),
            "description" => text(TextField::Description),
            "created" => time(TimeField::Created),
            "lastModified" => time(TimeField::LastModified),
            "status" => {
                is_equal()?;
                Ok(Condition::Status(match comparison.value.as_str() {
                    "ACTIVE" => Some(OrganizationStatus::Active),
                    "DISABLED" => Some(OrganizationStatus::Disabled),
                    _ => None,
                }))
            }
            "id" => {
                is_equal()?;
                Ok(Condition::Id(self.find_organization(&comparison.value).await?))
            }
            "parentId" => {
                is_equal()?;
                Ok(Condition::Parent(self.find_organization(&comparison.value).await?))
            }
            attribute => match attribute.strip_prefix("attributes.") {
                Some(key) if !key.is_empty() => text(TextField::Attribute(key.to_owned())),
                _ => Err(refuse(&FILTER_ATTRIBUTE, attribute)),
            },
        }
    }

    /// How many are asked for.
    pub(in crate::http::wso2) fn limit(&self) -> Result<i64> {
        let Some(text) = self.query("limit") else { return Ok(LIMITS.0) };
        match text.trim().parse::<i64>() {
            Ok(limit) if limit < 0 => Err(refuse(&LIMIT_NEGATIVE, "")),
            Ok(0) => Ok(LIMITS.0),
            Ok(limit) => Ok(limit.min(LIMITS.1)),
            Err(_) => Err(invalid("limit must be a number".to_owned())),
        }
    }

    /// A flag of the query.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// Where the page is.
    pub(super) fn place(&self) -> Result<Place> {
        match (self.query("after"), self.query("before")) {
            (Some(_), Some(_)) => Err(refuse(&CURSOR_INVALID, "")),
            (Some(cursor), None) => read_cursor(&cursor).map(|(at, id)| Place::After(at, id)),
            (None, Some(cursor)) => read_cursor(&cursor).map(|(at, id)| Place::Before(at, id)),
            (None, None) => Ok(Place::First),
        }
    }

    /// A link to another page of the same list.
    pub(super) fn page_link(&self, path: &str, place: &str, cursor: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for name in ["filter", "limit", "recursive"] {
            if let Some(value) = self.query(name) {
                query.append_pair(name, &value);
            }
        }
        query.append_pair(place, cursor);
        format!("{}{path}?{}", self.prefix(), query.finish())
    }
}

/// The cursor of an organization: when it was created, and its id, because several may have been at once.
pub(super) fn cursor(created_at: Timestamp, id: OrganizationId) -> String {
    BASE64_STANDARD.encode(format!("{created_at},{}", uuid(id)))
}

/// Reads a cursor; the time alone is one too.
fn read_cursor(text: &str) -> Result<(Timestamp, Option<OrganizationId>)> {
    let malformed = || refuse(&CURSOR_INVALID, "");
    // A `+` that was not encoded is read as a space.
    let bytes = BASE64_STANDARD.decode(text.trim().replace(' ', "+")).map_err(|_| malformed())?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    let (at, id) = match text.split_once(',') {
        Some((at, id)) => (at, Some(id.parse().map_err(|_| malformed())?)),
        None => (text.as_str(), None),
    };
    Ok((Timestamp::parse_rfc3339(at).ok_or_else(malformed)?, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String, String)>, String> {
        let found = comparisons(text).map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(|it| (it.attribute, it.operator, it.value)).collect())
    }

    #[test]
    fn values_are_joined_up_to_the_next_logical_operator() {
        let one = |attribute: &str, operator: &str, value: &str| {
            (attribute.to_owned(), operator.to_owned(), value.to_owned())
        };
        for (text, expected) in [
            ("name eq ABC Builders", vec![one("name", "eq", "ABC Builders")]),
            ("name eq \"ABC Builders\"", vec![one("name", "eq", "ABC Builders")]),
            (
                "name eq \"Land and Sea\" and id eq 1",
                vec![one("name", "eq", "Land and Sea"), one("id", "eq", "1")],
            ),
            (
                "  name  CO  a   b AND description sw x",
                vec![one("name", "co", "a b"), one("description", "sw", "x")],
            ),
            ("attributes.Country eq Sri Lanka", vec![one("attributes.Country", "eq", "Sri Lanka")]),
            ("name eq \"x\" and id eq 1", vec![one("name", "eq", "x"), one("id", "eq", "1")]),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        for text in ["", "name", "name eq", "name eq x and", "and", "name eq and id eq 1", "name eq \0"] {
            assert_eq!(read(text), Err("ORG-60022".to_owned()), "{text}");
        }
        for text in ["name eq x or name eq y", "not name eq x", "name eq x and not id eq 1", "name eq NOT x"]
        {
            assert_eq!(read(text), Err("ORG-60024".to_owned()), "{text}");
        }
        assert_eq!(read(&format!("name eq {}", "x".repeat(5000))), Err("ORG-60022".to_owned()));
        let many = vec!["name eq x"; 21].join(" and ");
        assert_eq!(read(&many), Err("ORG-60022".to_owned()));
    }

    #[test]
    fn a_cursor_is_the_time_of_the_creation_in_base64() {
        let (at, id) = (Timestamp::from_millis(1_600_000_000_123), OrganizationId::from_bits(7));
        assert_eq!(read_cursor(&cursor(at, id)).unwrap(), (at, Some(id)));
        assert_eq!(read_cursor(&BASE64_STANDARD.encode(at.to_string())).unwrap(), (at, None));
        for bad in ["", "x", "!!", &BASE64_STANDARD.encode("x"), &BASE64_STANDARD.encode(format!("{at},x"))] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
    }
}
