"""Pictures of recorded calls (``ivr plot``): ``timeline`` turns decisions into spans, ``draw`` draws them."""
