from deploy.cloudflare.rollout.command import main

main()
