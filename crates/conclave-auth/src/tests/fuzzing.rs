//! Any input: no panic, nobody let in.

use proptest::prelude::*;

use super::world::{SECRET, claiming, encode, own_issuer, second, token_signed, verifier};
use crate::fuzz::{read_claims, verify_token};

proptest! {
    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        verify_token(&bytes);
        read_claims(&bytes);
    }

    #[test]
    fn any_three_parts_are_refused(header in ".{0,80}", claims in ".{0,200}", signature in any::<[u8; 32]>()) {
        verify_token(format!("{}.{}.{}", encode(header), encode(&claims), encode(signature)).as_bytes());
        read_claims(claims.as_bytes());
    }

    #[test]
    fn any_claims_of_the_right_names_are_read(
        members in proptest::collection::vec(
            ("(sub|sid|exp|nbf|iat|iss|aud|jti|fid|roles|role|permissions|scope|name|azp|sts)",
             r#"(null|true|-?[0-9]{1,12}(\.[0-9]{1,4})?(e[0-9]{1,3})?|"[a-z ]{0,8}"|\["[a-z]{0,4}"\]|\{\})"#),
            0..9,
        ),
    ) {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
        read_claims(format!("{{{}}}", members.join(",")).as_bytes());
    }

    #[test]
    fn a_changed_character_is_refused(place in 0_usize..150, character in "[A-Za-z0-9_.=-]") {
        let good = claiming(r#"{"sub":"ann","exp":1700003600,"roles":["user"]}"#);
        let place = place % good.len();
        let mut changed = good.clone();
        changed.replace_range(place..=place, &character);
        let verdict = verifier(vec![own_issuer()]).verify(&changed, second(0));
        prop_assert_eq!(verdict.is_ok(), changed == good);
    }

    #[test]
    fn another_secret_is_refused(secret in proptest::collection::vec(any::<u8>(), 1..80)) {
        prop_assume!(secret != SECRET);
        let forged = token_signed(&secret, r#"{"alg":"HS256"}"#, r#"{"sub":"a","exp":1700003600}"#);
        prop_assert!(verifier(vec![own_issuer()]).verify(&forged, second(0)).is_err());
    }
}
