//! Join tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256, for one person in one room.

use std::time::{SystemTime, UNIX_EPOCH};

use confab_protocol::{ErrorCode, Grants, JoinClaims, ParticipantId, Role, RoomCode};
use confab_rooms::Refusal;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::RngExt;

/// Longest token that is looked at, bytes. Ours have about 500.
const LONGEST: usize = 4_096;

/// Why a token opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("The join token is not one of this server's. Ask for a new link.")]
    Invalid,
    #[error("The join token has expired. Join with the link again.")]
    Expired,
    #[error("The join token is for another meeting.")]
    Foreign,
    #[error("The server could not sign a token.")]
    Signing,
}

impl TokenError {
    /// For programs.
    pub(crate) fn code(self) -> ErrorCode {
        match self {
            Self::Invalid => ErrorCode::TokenInvalid,
            Self::Expired => ErrorCode::TokenExpired,
            Self::Foreign => ErrorCode::TokenForeign,
            Self::Signing => ErrorCode::Internal,
        }
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// Signs and checks tokens. It has no `Debug`: it holds the secret.
pub(crate) struct Tokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    issuer: String,
    lifetime_seconds: u64,
}

/// 256 random bits, as text for the store.
pub(crate) fn fresh_secret() -> String {
    let (high, low): (u128, u128) = rand::rng().random();
    format!("{high:032x}{low:032x}")
}

impl Tokens {
    pub(crate) fn new(secret: &str, issuer: String, lifetime_hours: u32) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[&issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.leeway = 0;
        validation.validate_nbf = true;
        Self {
            signing: EncodingKey::from_secret(secret.as_bytes()),
            checking: DecodingKey::from_secret(secret.as_bytes()),
            validation,
            issuer,
            lifetime_seconds: u64::from(lifetime_hours) * 3_600,
        }
    }

    /// A token for a person in a room, good from now on.
    pub(crate) fn issue(
        &self,
        room: RoomCode,
        person: ParticipantId,
        name: String,
        role: Role,
        grants: Grants,
    ) -> Result<String, TokenError> {
        let iat = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let exp = iat + self.lifetime_seconds;
        let claims = JoinClaims { room, sub: person, name, role, grants, iat, exp, iss: self.issuer.clone() };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing).map_err(|_| TokenError::Signing)
    }

    /// The token with these claims once more, good from now on.
    pub(crate) fn renew(&self, claims: &JoinClaims) -> Result<String, TokenError> {
        self.issue(claims.room.clone(), claims.sub, claims.name.clone(), claims.role, claims.grants)
    }

    /// What a token says, if this server signed it, it is still good, and it is for this room (any room for `None`).
    pub(crate) fn check(&self, token: &str, room: Option<&RoomCode>) -> Result<JoinClaims, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Invalid);
        }
        let data = jsonwebtoken::decode::<JoinClaims>(token, &self.checking, &self.validation);
        let claims = data.map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => TokenError::Expired,
            _ => TokenError::Invalid,
        })?;
        if room.is_some_and(|room| *room != claims.claims.room) {
            return Err(TokenError::Foreign);
        }
        Ok(claims.claims)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn code(text: &str) -> RoomCode {
        text.parse().unwrap()
    }

    fn tokens() -> Tokens {
        Tokens::new(&fresh_secret(), "this-server".into(), 12)
    }

    fn issue(tokens: &Tokens) -> String {
        let role = Role::Participant;
        tokens.issue(code("kestrel-lane-27"), ParticipantId::new(), "Ada".into(), role, role.grants()).unwrap()
    }

    fn kind(tokens: &Tokens, token: &str) -> Option<TokenError> {
        tokens.check(token, Some(&code("kestrel-lane-27"))).err()
    }

    /// Signs anything with the tokens' own key, to see the claims checked and not only the signature.
    fn signed(tokens: &Tokens, header: &Header, claims: &serde_json::Value) -> String {
        jsonwebtoken::encode(header, claims, &tokens.signing).unwrap()
    }

    fn claims_of(tokens: &Tokens) -> serde_json::Value {
        serde_json::to_value(tokens.check(&issue(tokens), None).unwrap()).unwrap()
    }

    #[test]
    fn a_token_says_who_may_do_what_where() {
        let tokens = tokens();
        let person = ParticipantId::new();
        let role = Role::Viewer;
        let token = tokens.issue(code("kestrel-lane-27"), person, "Ada".into(), role, role.grants()).unwrap();
        let claims = tokens.check(&token, Some(&code("kestrel-lane-27"))).unwrap();
        assert_eq!((claims.sub, claims.role, claims.grants), (person, role, role.grants()));
        assert_eq!(claims.exp - claims.iat, 12 * 3_600);
    }

    #[test]
    fn a_renewed_token_is_good_for_as_long_as_a_fresh_one_and_says_the_same() {
        let tokens = tokens();
        let mut old = tokens.check(&issue(&tokens), None).unwrap();
        // Made nearly twelve hours ago; with other rights than its role has by itself.
        old.iat -= 43_000;
        old.exp -= 43_000;
        old.grants = Role::Viewer.grants();
        let new = tokens.check(&tokens.renew(&old).unwrap(), None).unwrap();
        assert!(new.iat >= old.iat + 43_000);
        assert_eq!(new.exp - new.iat, 12 * 3_600);
        assert!(new == JoinClaims { iat: new.iat, exp: new.exp, ..old });
    }

    #[test]
    fn a_token_of_another_room_server_or_time_is_refused() {
        let tokens = tokens();
        let token = issue(&tokens);
        assert_eq!(kind(&tokens, &token), None);
        assert_eq!(tokens.check(&token, Some(&code("kestrel-lane-28"))).err(), Some(TokenError::Foreign));
        assert_eq!(
            kind(&super::Tokens::new(&fresh_secret(), "this-server".into(), 12), &token),
            Some(TokenError::Invalid)
        );

        let header = Header::new(Algorithm::HS256);
        let mut claims = claims_of(&tokens);
        claims["iss"] = "another-server".into();
        assert_eq!(kind(&tokens, &signed(&tokens, &header, &claims)), Some(TokenError::Invalid));
        let mut claims = claims_of(&tokens);
        claims["exp"] = 1_000_000_000.into();
        assert_eq!(kind(&tokens, &signed(&tokens, &header, &claims)), Some(TokenError::Expired));
        let mut claims = claims_of(&tokens);
        claims["nbf"] = 9_000_000_000_u64.into();
        assert_eq!(kind(&tokens, &signed(&tokens, &header, &claims)), Some(TokenError::Invalid));
    }

    #[test]
    fn a_token_without_a_claim_is_refused() {
        let tokens = tokens();
        for claim in ["room", "sub", "name", "role", "grants", "exp", "iss", "iat"] {
            let mut claims = claims_of(&tokens);
            claims.as_object_mut().unwrap().remove(claim);
            let token = signed(&tokens, &Header::new(Algorithm::HS256), &claims);
            assert_eq!(kind(&tokens, &token), Some(TokenError::Invalid), "without {claim}");
        }
    }

    #[test]
    fn a_token_of_another_algorithm_is_refused() {
        let tokens = tokens();
        for algorithm in [Algorithm::HS384, Algorithm::HS512] {
            let token = signed(&tokens, &Header::new(algorithm), &claims_of(&tokens));
            assert_eq!(kind(&tokens, &token), Some(TokenError::Invalid));
        }
        // {"alg":"none","typ":"JWT"} and its spellings, with our own claims and no signature.
        let token = issue(&tokens);
        let body = token.split('.').nth(1).unwrap();
        for header in ["eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", "eyJhbGciOiJOb25lIn0", "eyJhbGciOiIifQ", "e30"] {
            assert_eq!(kind(&tokens, &format!("{header}.{body}.")), Some(TokenError::Invalid), "{header}");
        }
    }

    #[test]
    fn no_change_of_a_token_goes_unseen() {
        let tokens = tokens();
        let token = issue(&tokens).into_bytes();
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
        let mut random = StdRng::seed_from_u64(27);
        let last = token.len() - 1;
        for _ in 0..5_000 {
            let mut changed = token.clone();
            match random.random_range(0..4) {
                0 => changed.truncate(random.random_range(0..token.len())),
                1 => changed.insert(random.random_range(0..token.len()), alphabet[random.random_range(0..65)]),
                2 => {
                    changed.remove(random.random_range(0..token.len()));
                }
                // The last letter of a signature carries two bits that are not part of it.
                _ => changed[random.random_range(0..last)] = alphabet[random.random_range(0..65)],
            }
            if changed != token {
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(kind(&tokens, &changed), Some(TokenError::Invalid), "{changed}");
            }
        }
        assert_eq!(kind(&tokens, &"a".repeat(1_000_000)), Some(TokenError::Invalid));
    }
}
