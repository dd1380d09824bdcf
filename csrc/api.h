/* The prelude of the generated extension module. */
#include "trueno.h"
