"""What photos refuse."""

from app.core.problems import Forbidden, Gone, Invalid, NotFound, Unavailable


class PhotoTooLarge(Invalid):
    """This photo file is too large."""

    title_zh = "照片文件太大"
    detail_en = "A photo may have {max_megabytes} MB; send a smaller version."
    detail_zh = "照片不能超过 {max_megabytes} MB，请在相册中选择较小的尺寸，或压缩后再上传。"


class PhotoMissing(Invalid):
    """Send the photo as a form, in the field `file`."""

    title_zh = "请选择一张照片再上传"


class PhotoUnreadable(Invalid):
    """This file is not a photo, or a damaged one."""

    title_zh = "无法读取这张照片，文件可能已损坏或不是照片"
    detail_en = "Open it on the phone to see if it is whole, then send it again."
    detail_zh = "请先在手机上打开确认照片完整，再重新上传。"


class PhotoFormatRefused(Invalid):
    """Photos of this format are not taken."""

    title_zh = "不支持这种图片格式"
    detail_en = "Send a photo as {allowed}."
    detail_zh = "请上传 {allowed} 格式的照片，也可以截图后上传。"


class PhotoIsHeic(Invalid):
    """HEIC photos are not taken; send a JPEG."""

    title_zh = "暂不支持 HEIC 格式的照片，请改用 JPEG"
    detail_en = (
        "On an iPhone: Settings, Camera, Formats, Most Compatible. "
        "A picture already taken can be sent as a screenshot."
    )
    detail_zh = (
        "苹果手机请在“设置 - 相机 - 格式”中选择“兼容性最佳”后重新拍摄；"
        "已经拍好的照片可以截图后上传。"
    )


class PhotoAnimated(Invalid):
    """Animated pictures are not taken."""

    title_zh = "不支持动图，请上传静态照片"


class PhotoHasTooManyPixels(Invalid):
    """This photo has too many pixels."""

    title_zh = "照片像素过高"
    detail_en = "A photo like this may have {max_megapixels} megapixels; send a smaller version."
    detail_zh = "这类照片最多 {max_megapixels} 百万像素，请缩小后再上传。"


class PhotoTooSmall(Invalid):
    """This photo is too small to show anything."""

    title_zh = "照片太小，看不清内容"
    detail_en = "Each side must have at least {min_side} pixels."
    detail_zh = "照片的长和宽都不能少于 {min_side} 像素，请上传原图。"


class PhotoNotFound(NotFound):
    """There is no such photo."""

    title_zh = "没有找到这张照片"


class PhotoLinkInvalid(Forbidden):
    """This link to a photo is not valid."""

    title_zh = "照片链接无效"


class PhotoLinkExpired(Gone):
    """This link to a photo has expired; load the page again."""

    title_zh = "照片链接已过期，请刷新页面后重试"


class PhotoStoreUnavailable(Unavailable):
    """Photos cannot be reached just now; try again in a moment."""

    title_zh = "照片服务暂时不可用，请稍后再试"
