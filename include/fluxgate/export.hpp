// Marks what libfluxgate exports; everything else of the library is hidden.
#pragma once

#if defined(_WIN32)
#if defined(FLUXGATE_BUILDING)
#define FLUXGATE_API __declspec(dllexport)
#else
#define FLUXGATE_API __declspec(dllimport)
#endif
#else
#define FLUXGATE_API __attribute__((visibility("default")))
#endif
