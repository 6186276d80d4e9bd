/* main.c - the store's binary. Runs in: store. */
#include "store/store.h"

int
main(int argc, char **argv)
{
	return role_main(argc, argv, &store_role);
}
