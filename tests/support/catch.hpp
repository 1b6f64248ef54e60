// Catch2, version 2 or 3.
#pragma once

#if defined(FLUXGATE_CATCH2_3)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
