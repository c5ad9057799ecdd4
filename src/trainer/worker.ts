/** The whole program of a trainer's worker. */
import { serve } from "./serve.ts";

serve(globalThis as never);
