//! The filter of lists of applications: `name eq B2B App and clientId sw app_1`. Values are not quoted and may have spaces.

use base::id::ApplicationId;

use crate::{
    app::{Error, Result},
    store::application_lists::{Comparison, Condition},
};

/// The field in errors.
const FIELD: &str = "filter";

/// How long a filter is at most.
const MAX_LENGTH: usize = 2000;

/// How many comparisons it has at most.
const MAX_COMPARISONS: usize = 20;

/// Reads a filter. `and` binds closer than `or`.
pub fn parse(text: &str) -> Result<Condition> {
    if text.len() > MAX_LENGTH {
        return Err(invalid("is too long"));
    }
    let mut rest: &[&str] = &text.split_whitespace().collect::<Vec<_>>();
    let mut alternatives: Vec<Condition> = Vec::new();
    let mut before = None;
    for _ in 0..MAX_COMPARISONS {
        let (condition, word, after) = comparison(rest)?;
        let left = before.take();
        let joined = match left {
            Some(left) => Condition::And(Box::new(left), Box::new(condition)),
            None => condition,
        };
        match word {
            Some(Word::And) => before = Some(joined),
            Some(Word::Or) => alternatives.push(joined),
            None => {
                alternatives.push(joined);
                let all = alternatives.into_iter();
                let all = all.reduce(|left, right| Condition::Or(Box::new(left), Box::new(right)));
                return all.ok_or_else(|| invalid("is empty"));
            }
        }
        rest = after;
    }
    Err(invalid("has too many comparisons"))
}

/// What joins two comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    And,
    Or,
}

fn invalid(reason: &'static str) -> Error {
    Error::invalid(FIELD, reason)
}

fn operator(word: &str) -> Option<Comparison> {
    const ALL: [(&str, Comparison); 4] = [
        ("eq", Comparison::Equals),
        ("co", Comparison::Contains),
        ("sw", Comparison::StartsWith),
        ("ew", Comparison::EndsWith),
    ];
    ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, operator)| *operator)
}

/// The first comparison, what joins it to the next one, and the words after that.
fn comparison<'a>(words: &'a [&'a str]) -> Result<(Condition, Option<Word>, &'a [&'a str])> {
    let [attribute, operator_name, values @ ..] = words else {
        return Err(invalid("must have the form: attribute operator value"));
    };
    let how =
        operator(operator_name).ok_or_else(|| invalid("has an operator that is none of eq, co, sw, ew"))?;
    let end = (0..values.len()).find(|at| joins(&values[*at..]).is_some()).unwrap_or(values.len());
    let value = values[..end].join(" ");
    let value = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(&value);
    if value.is_empty() {
        return Err(invalid("has a comparison without a value"));
    }
    let condition = match *attribute {
        "name" => Condition::Name(how, value.to_owned()),
        "clientId" => match value.parse::<ApplicationId>() {
            Ok(id) if how == Comparison::Equals => Condition::ClientId(how, id.to_string()),
            _ => Condition::ClientId(how, value.to_owned()),
        },
        // That of SAML: these applications have none.
        "issuer" => Condition::Never,
        _ => return Err(invalid("has an attribute that is none of name, clientId, issuer")),
    };
    let word = joins(&values[end..]);
    let after = if word.is_some() { &values[end + 1..] } else { &[] };
    Ok((condition, word, after))
}

/// Whether these words begin with one that joins comparisons. One within a name does not: after it there is none.
fn joins(words: &[&str]) -> Option<Word> {
    let word = match words.first()? {
        word if word.eq_ignore_ascii_case("and") => Word::And,
        word if word.eq_ignore_ascii_case("or") => Word::Or,
        _ => return None,
    };
    let is_between = match words.get(2) {
        Some(next) => operator(next).is_some(),
        // At the end the comparison is missing.
        None => words.len() == 1,
    };
    is_between.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(how: Comparison, value: &str) -> Condition {
        Condition::Name(how, value.to_owned())
    }

    fn and(left: Condition, right: Condition) -> Condition {
        Condition::And(Box::new(left), Box::new(right))
    }

    fn or(left: Condition, right: Condition) -> Condition {
        Condition::Or(Box::new(left), Box::new(right))
    }

    #[test]
    fn values_are_not_quoted_and_may_have_spaces() {
        use Comparison::{Contains, EndsWith, Equals, StartsWith};
        for (text, expected) in [
            ("name eq B2B App", name(Equals, "B2B App")),
            ("name eq \"B2B App\"", name(Equals, "B2B App")),
            ("name co  B2B", name(Contains, "B2B")),
            ("name EQ Research and Development", name(Equals, "Research and Development")),
            ("name eq A and name ew B C", and(name(Equals, "A"), name(EndsWith, "B C"))),
            (
                "name eq A or name sw B AND name eq C",
                or(name(Equals, "A"), and(name(StartsWith, "B"), name(Equals, "C"))),
            ),
            ("issuer eq x", Condition::Never),
            ("clientId co ab", Condition::ClientId(Contains, "ab".to_owned())),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
        let id = ApplicationId::from_bits(7);
        let uuid = "clientId eq 00000000-0000-0000-0000-000000000007";
        assert_eq!(parse(uuid).unwrap(), Condition::ClientId(Equals, id.to_string()));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "",
            "name",
            "name eq",
            "name eq \"\"",
            "name gt A",
            "displayName eq A",
            "Name eq A",
            "name eq A and",
            "name eq A or foo eq B",
            "eq name A",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&format!("name eq {}", "x".repeat(MAX_LENGTH))).is_err());
        assert!(parse(&["name eq a"; MAX_COMPARISONS + 1].join(" or ")).is_err());
        assert!(parse(&["name eq a"; MAX_COMPARISONS].join(" or ")).is_ok());
    }
}
