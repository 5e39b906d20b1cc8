/* fcntl is variadic, which a Rust function cannot be. SQLite passes at most one argument, a pointer or an int,
 * and either fits a pointer. */

#include <stdarg.h>

int rootcellar_fcntl(int descriptor, int command, void *argument);

int rootcellar_fcntl_variadic(int descriptor, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return rootcellar_fcntl(descriptor, command, argument);
}
