"""Metrics of pixels: PSNR, SSIM, MS-SSIM."""
