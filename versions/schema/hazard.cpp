#include "versions/schema/hazard.h"

namespace belay::versions::schema {

std::string_view name_of(Hazard::Kind kind) {
  switch (kind) {
    case Hazard::Kind::deletes_data:
      return "deletes-data";
    case Hazard::Kind::data_dependent:
      return "data-dependent";
    case Hazard::Kind::lossy_cast:
      return "lossy-cast";
    case Hazard::Kind::rebuild:
      return "rebuild";
    case Hazard::Kind::breaks_readers:
      return "breaks-readers";
    case Hazard::Kind::irreversible:
      break;
  }
  return "irreversible";
}

}  // namespace belay::versions::schema
