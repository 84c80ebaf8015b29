#pragma once

namespace belay {

/// What the tests are built with: AddressSanitizer, with UndefinedBehaviorSanitizer; or any.
#ifdef __SANITIZE_ADDRESS__
constexpr bool address_sanitized = true;
#else
constexpr bool address_sanitized = false;
#endif
#ifdef __SANITIZE_THREAD__
constexpr bool sanitized = true;
#else
constexpr bool sanitized = address_sanitized;
#endif

}  // namespace belay
