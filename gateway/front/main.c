/* main.c - safehand-front: clients' TLS and HTTP. Runs in: front. */
#include "front/front.h"

int
main(int argc, char **argv)
{
	return role_main(argc, argv, &front_role);
}
