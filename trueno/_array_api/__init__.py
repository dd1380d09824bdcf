"""The Python array API standard, version 2025.12: one file a chapter."""

from trueno._array_api import (
    constants,
    creation_functions,
    data_type_functions,
    data_types,
    elementwise_functions,
    indexing_functions,
    info,
    linear_algebra_functions,
    manipulation_functions,
    searching_functions,
    set_functions,
    sorting_functions,
    statistical_functions,
    utility_functions,
)
from trueno._array_api.constants import *  # noqa: F403
from trueno._array_api.creation_functions import *  # noqa: F403
from trueno._array_api.data_type_functions import *  # noqa: F403
from trueno._array_api.data_types import *  # noqa: F403
from trueno._array_api.elementwise_functions import *  # noqa: F403
from trueno._array_api.indexing_functions import *  # noqa: F403
from trueno._array_api.info import *  # noqa: F403
from trueno._array_api.linear_algebra_functions import *  # noqa: F403
from trueno._array_api.manipulation_functions import *  # noqa: F403
from trueno._array_api.searching_functions import *  # noqa: F403
from trueno._array_api.set_functions import *  # noqa: F403
from trueno._array_api.sorting_functions import *  # noqa: F403
from trueno._array_api.statistical_functions import *  # noqa: F403
from trueno._array_api.utility_functions import *  # noqa: F403

__all__: list[str] = []
__all__ += constants.__all__
__all__ += creation_functions.__all__
__all__ += data_type_functions.__all__
__all__ += data_types.__all__
__all__ += elementwise_functions.__all__
__all__ += indexing_functions.__all__
__all__ += info.__all__
__all__ += linear_algebra_functions.__all__
__all__ += manipulation_functions.__all__
__all__ += searching_functions.__all__
__all__ += set_functions.__all__
__all__ += sorting_functions.__all__
__all__ += statistical_functions.__all__
__all__ += utility_functions.__all__
